/** Sounds on one clock, usually two: all always run, and a short ramp decides which of them is heard.
 *
 * Their sources start at the same moment of the audio clock, at the same place, padded to the same
 * length: they cannot drift apart. It needs nothing but a BaseAudioContext, so that an
 * OfflineAudioContext renders what a person hears. */

export const SIDES = ["a", "b"];
const FADE = 0.006; // s: too short to be heard as a fade, long enough not to click
const LEAD = 0.02; // s from an order to its effect: the audio thread works ahead of the page by less
const SHORTEST_LOOP = 0.05; // s

const STEP = 0.5; // s that an arrow key moves

/** What keys do to the place and the loop of a transport that has its sounds. */
export const MOVES = new Map([
  ["ArrowLeft", (t) => t.seek(t.position - STEP)],
  ["ArrowRight", (t) => t.seek(t.position + STEP)],
  ["Home", (t) => t.seek(0)],
  ["l", (t) => (t.loop ? t.turnLoop(!t.isLooping) : t.setLoop(0, t.seconds))],
  ["[", (t) => t.setLoop(t.position, t.loop && t.loop.end > t.position ? t.loop.end : t.seconds)],
  ["]", (t) => t.setLoop(t.loop && t.loop.start < t.position ? t.loop.start : 0, t.position)],
]);

export const other = (side) => (side === "a" ? "b" : "a");

/** A gain that knows where its ramp stands, so that the next one begins there. */
class Fader {
  constructor(context, value) {
    this.node = context.createGain();
    this.node.gain.setValueAtTime(value, 0);
    this.ramp = { from: value, to: value, start: 0, end: 0 };
  }

  valueAt(time) {
    const { from, to, start, end } = this.ramp;
    if (time >= end) return to;
    return from + ((to - from) * Math.max(0, time - start)) / (end - start);
  }

  /** Straight to a value, from `start` on; equal gain, as the two sounds are often nearly one. */
  move(to, start, fade) {
    const from = this.valueAt(start);
    const { gain } = this.node;
    gain.cancelScheduledValues(start);
    if (start < this.ramp.end) gain.linearRampToValueAtTime(from, start); // keeps the slope until then
    else gain.setValueAtTime(from, start);
    gain.linearRampToValueAtTime(to, start + fade);
    this.ramp = { from, to, start, end: start + fade };
  }
}

export class Transport {
  /** onchange: called when it starts, stops, ends, turns to another side or loops otherwise. */
  constructor(context, { destination = context.destination, onchange = () => {}, sides = SIDES } = {}) {
    this.context = context;
    this.onchange = onchange;
    this.sides = sides;
    this.side = sides[0];
    this.faders = Object.fromEntries(sides.map((side) => [side, new Fader(context, Number(side === this.side))]));
    for (const side of sides) this.faders[side].node.connect(destination);
    this.seconds = 0;
    this.loop = null; // {start, end} in seconds, kept while it is off
    this.isLooping = false;
    this.resting = 0; // the position while nothing runs
    this.run = null;
  }

  get isPlaying() {
    return this.run !== null;
  }

  /** When an order given now takes effect, in seconds of the context's clock. */
  get soon() {
    return this.context.currentTime + LEAD;
  }

  /** Take in the sounds: AudioBuffers by side, and the gain of each in dB. */
  load(sounds, gains = {}) {
    if (this.run) this.pause();
    const length = Math.max(...this.sides.map((side) => sounds[side].length));
    this.sounds = {};
    for (const side of this.sides) this.sounds[side] = padded(this.context, sounds[side], length, gains[side] ?? 0);
    this.seconds = length / this.context.sampleRate;
    this.resting = 0;
    this.loop = null;
    this.isLooping = false;
    this.onchange();
  }

  play(at = this.soon) {
    if (this.run || !this.sounds) return;
    let from = this.resting < this.seconds - 0.01 ? this.resting : 0;
    if (this.isLooping && !this.holds(from)) from = this.loop.start;
    this.run = this.begin(from, at);
    this.onchange();
  }

  pause(at = this.soon) {
    if (!this.run) return;
    this.resting = this.positionAt(at);
    this.end(this.run, at);
    this.run = null;
    this.onchange();
  }

  toggle(at = this.soon) {
    if (this.run) this.pause(at);
    else this.play(at);
  }

  /** Go to a place; one outside of the loop turns the loop off, and keeps it for later. */
  seek(seconds, at = this.soon) {
    const to = Math.min(Math.max(seconds, 0), this.seconds);
    if (this.isLooping && !this.holds(to)) this.isLooping = false;
    this.resting = to;
    this.restart(to, at);
    this.onchange();
  }

  /** Hear another of the sounds at the same place. */
  turn(side, at = this.soon) {
    if (side === this.side) return;
    for (const one of this.sides) this.faders[one].move(one === side ? 1 : 0, at, FADE);
    this.side = side;
    this.onchange();
  }

  /** Play from start to end over and over; the two may come in either order. */
  setLoop(start, end, at = this.soon) {
    const [low, high] = [Math.min(start, end), Math.max(start, end)].map((s) => Math.min(Math.max(s, 0), this.seconds));
    const from = Math.max(0, Math.min(low, this.seconds - SHORTEST_LOOP));
    const rounded = (s) => Math.round(s * this.context.sampleRate) / this.context.sampleRate;
    this.loop = { start: rounded(from), end: rounded(Math.min(this.seconds, Math.max(high, from + SHORTEST_LOOP))) };
    this.turnLoop(true, at);
  }

  turnLoop(isOn, at = this.soon) {
    this.isLooping = isOn && this.loop !== null;
    const here = this.positionAt(at);
    const to = this.isLooping && !this.holds(here) ? this.loop.start : here;
    if (!this.run) this.resting = to;
    this.restart(to, at);
    this.onchange();
  }

  clearLoop(at = this.soon) {
    const wasOn = this.isLooping;
    this.loop = null;
    if (wasOn) this.turnLoop(false, at);
    else this.onchange();
  }

  /** Where in the sound a moment of the context's clock falls, in seconds. */
  positionAt(time) {
    if (!this.run) return this.resting;
    const { offset, started, loop } = this.run;
    const passed = offset + Math.max(0, time - started);
    if (loop && passed >= loop.end) return loop.start + ((passed - loop.start) % (loop.end - loop.start));
    return Math.min(passed, this.seconds);
  }

  /** What leaves the loudspeaker now: the device is a little behind the clock. */
  get position() {
    return this.positionAt(this.context.currentTime - (this.context.outputLatency || 0));
  }

  close() {
    if (this.run) this.pause();
    for (const side of this.sides) this.faders[side].node.disconnect();
  }

  holds(position) {
    return position >= this.loop.start && position < this.loop.end;
  }

  restart(position, at) {
    if (!this.run) return;
    const before = this.run;
    this.run = this.begin(position, at);
    this.end(before, at);
  }

  /** All sounds from one place at one moment, faded in. */
  begin(offset, at) {
    const loop = this.isLooping ? { ...this.loop } : null;
    const run = { offset, started: at, loop, sources: {}, gates: {} };
    for (const side of this.sides) {
      const source = new AudioBufferSourceNode(this.context, {
        buffer: loop ? joined(this.context, this.sounds[side], loop) : this.sounds[side],
        ...(loop ? { loop: true, loopStart: loop.start, loopEnd: loop.end } : {}),
      });
      const gate = new Fader(this.context, 0);
      source.connect(gate.node).connect(this.faders[side].node);
      gate.move(1, at, FADE);
      source.start(at, offset);
      run.sources[side] = source;
      run.gates[side] = gate;
    }
    run.sources[this.sides[0]].onended = () => this.ended(run);
    return run;
  }

  end(run, at) {
    for (const side of this.sides) {
      run.gates[side].move(0, at, FADE);
      run.sources[side].stop(at + 2 * FADE);
    }
  }

  ended(run) {
    for (const side of this.sides) run.gates[side].node.disconnect();
    if (this.run !== run) return;
    this.run = null;
    this.resting = 0;
    this.onchange();
  }
}

/** The sound at its gain (dB), followed by silence up to a length in samples. */
function padded(context, sound, length, gain) {
  const made = context.createBuffer(sound.numberOfChannels, length, context.sampleRate);
  const factor = 10 ** (gain / 20);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    made.copyToChannel(sound.getChannelData(channel).map((value) => value * factor), channel);
  }
  return made;
}

/** The sound with the loop's end led over into what comes before its start: the jump does not click. */
function joined(context, sound, loop) {
  const [start, end] = [loop.start, loop.end].map((seconds) => Math.round(seconds * context.sampleRate));
  const over = Math.min(Math.round(FADE * context.sampleRate), end - start);
  const made = context.createBuffer(sound.numberOfChannels, sound.length, context.sampleRate);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const before = sound.getChannelData(channel);
    const after = Float32Array.from(before);
    for (let i = 0; i < over; i += 1) {
      const share = (i + 1) / (over + 1);
      const led = start - over + i;
      after[end - over + i] = before[end - over + i] * (1 - share) + (led >= 0 ? before[led] : 0) * share;
    }
    made.copyToChannel(after, channel);
  }
  return made;
}
