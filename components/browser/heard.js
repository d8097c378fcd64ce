/** What of each sound was heard: counted on the audio clock, and only where it was audible. */

const SEAM = 0.03; // s: spans nearer than this are one
const LAST = 0.1; // s: who hears all but this has heard all; devices differ by less at the end

/** The parts of one sound that were heard, in seconds; what was heard twice counts once. */
export class Heard {
  constructor(spans = []) {
    this.spans = [];
    for (const [from, to] of spans) this.add(from, to);
  }

  add(from, to) {
    if (!(to > from)) return;
    const apart = this.spans.filter(([start, end]) => end < from - SEAM || start > to + SEAM);
    const joined = this.spans.filter((span) => !apart.includes(span));
    const whole = [Math.min(from, ...joined.map(([start]) => start)), Math.max(to, ...joined.map(([, end]) => end))];
    this.spans = [...apart, whole].sort(([a], [b]) => a - b);
  }

  holds(position) {
    return this.spans.some(([from, to]) => position >= from && position <= to);
  }

  /** Milliseconds heard of a sound of this length (s). */
  msOf(seconds) {
    const total = this.spans.reduce((sum, [from, to]) => sum + Math.min(to, seconds) - Math.min(from, seconds), 0);
    return Math.round((seconds - total < LAST ? seconds : total) * 1000);
  }

  /** As short lists, to be kept with a draft. */
  plain() {
    return this.spans.map((span) => span.map((s) => Math.round(s * 100) / 100));
  }
}

/** Follows a transport: whoever it lets through, from look to look, is heard. */
export class Ear {
  constructor(onheard) {
    this.onheard = onheard; // called with the side, from and to
    this.last = null;
  }

  /** Look at the clock; called at every change of the transport and as often as one likes between. */
  look(transport) {
    const now = transport.context.currentTime - (transport.context.outputLatency || 0);
    if (this.last) this.count(this.last, Math.max(0, now - this.last.at), transport);
    const { run, side } = transport;
    const at = run ? Math.max(now, run.started) : now;
    this.last = run ? { side, at, loop: run.loop, position: transport.positionAt(at) } : null;
  }

  count({ side, position, loop }, passed, transport) {
    const to = position + passed;
    if (loop && to > loop.end) {
      this.onheard(side, position, loop.end);
      this.onheard(side, loop.start, Math.min(loop.end, loop.start + to - loop.end));
      return;
    }
    const isOver = !transport.isPlaying && transport.resting === 0 && transport.seconds - to < 0.5; // the device is behind the clock
    this.onheard(side, position, isOver ? transport.seconds : Math.min(to, transport.seconds));
  }
}
