/** From files, usually a pair, to a transport that plays them: fetch, decode, and try again if it failed. */

import { resampled } from "./resampling.js";
import { claim, yielding } from "./sounding.js";
import { SIDES, Transport } from "./transport.js";

export class Listening {
  /** source: where sounds come from; onchange: called at every change of the transport. */
  constructor(source, onchange, sides = SIDES) {
    this.source = source;
    this.onchange = onchange;
    this.sides = sides;
    this.pair = null;
    this.transport = null;
    this.ready = null; // the promise of the present pair's sounds
    this.deaf = yielding(this, () => this.transport?.pause());
  }

  /** Made at the first gesture, or browsers begin it mute. */
  open() {
    if (this.transport) return;
    if (navigator.audioSession) navigator.audioSession.type = "playback"; // iOS: the ring switch does not matter
    const context = new AudioContext({ latencyHint: "interactive" });
    context.onstatechange = () => context.state !== "running" && this.transport.pause(); // a call, a locked phone: one press goes on
    this.transport = new Transport(context, { onchange: this.onchange, sides: this.sides });
    this.transport.turn(this.side ?? this.sides[0]);
  }

  /** The pair to hear next; its sounds are fetched at once, and decoded when a person was here. */
  take(pair) {
    this.transport?.pause();
    this.pair = pair;
    this.files = null;
    this.ready = null;
    if (navigator.userActivation?.hasBeenActive) this.prepare().catch(() => {}); // told when it is played
    else this.fetch().catch(() => {});
  }

  fetch() {
    const { pair } = this;
    this.files ??= Promise.all(this.sides.map((side) => this.source.sound(pair[side])));
    this.files.catch(() => {
      if (this.pair === pair) this.files = null; // the next play tries again
    });
    return this.files;
  }

  /** All sounds in the transport; rejects with a sentence when one does not come. */
  prepare() {
    const { pair } = this;
    this.open();
    this.ready ??= (async () => {
      const files = await this.fetch();
      const { context } = this.transport;
      const sounds = await Promise.all(this.sides.map((side, i) => decoded(context, files[i], pair[side].sample_rate)));
      const bySide = (values) => Object.fromEntries(this.sides.map((side, i) => [side, values[i]]));
      if (this.pair === pair) this.transport.load(bySide(sounds), bySide(this.sides.map((side) => pair[side].gain_db)));
    })();
    this.ready.catch(() => {
      if (this.pair === pair) this.ready = null;
    });
    return this.ready;
  }

  get isPlaying() {
    return Boolean(this.transport?.isPlaying);
  }

  async toggle() {
    if (this.isPlaying) this.transport.pause();
    else await this.play();
  }

  async play() {
    const { pair } = this;
    this.open();
    const awake = this.transport.context.resume(); // within the gesture
    await this.prepare();
    await awake;
    if (this.pair !== pair || this.isPlaying) return;
    claim(this);
    this.transport.play();
  }

  turn(side) {
    this.side = side;
    if (this.transport) this.transport.turn(side);
    else this.onchange();
  }

  /** What changes the place or the loop first waits for the sounds. */
  async change(work) {
    await this.prepare();
    work(this.transport);
  }

  close() {
    this.deaf();
    this.transport?.close();
    this.transport?.context.close();
  }
}

/** A file as an AudioBuffer at the context's rate; decoded at its own, which no browser alters. */
export async function decoded(context, file, rate) {
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(file.slice(0));
  return resampled(context, sound);
}
