/** What the measurements of the A/B player run inside the browser, over the real transport. */

import { decoded } from "/listening.js";
import { resampled } from "/resampling.js";
import { Transport } from "/transport.js";

const text = (samples) => {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  let said = "";
  for (let i = 0; i < bytes.length; i += 32768) said += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(said);
};
const samplesOf = (said) => new Float32Array(Uint8Array.from(atob(said), (c) => c.charCodeAt(0)).buffer);

function sounds(context, a, b) {
  const made = [a, b].map((samples) => {
    const buffer = context.createBuffer(1, samples.length, context.sampleRate);
    buffer.copyToChannel(samples, 0);
    return buffer;
  });
  return { a: made[0], b: made[1] };
}

/** Render orders [[seconds, method, ...arguments]] of a transport that starts at nought. */
export async function render({ a, b, rate, seconds, orders, gains = { a: 0, b: 0 } }) {
  const context = new OfflineAudioContext(1, Math.round(seconds * rate), rate);
  const transport = new Transport(context);
  transport.load(sounds(context, samplesOf(a), samplesOf(b)), gains);
  for (const [at, method, ...rest] of orders) transport[method](...rest, at);
  return text((await context.startRendering()).getChannelData(0));
}

/** Two WAV files through decodeAudioData and the transport at the device's rate: what each side plays. */
export async function renderFiles({ files, rates, rate, seconds, gains, side }) {
  const context = new OfflineAudioContext(1, Math.round(seconds * rate), rate);
  const transport = new Transport(context);
  const bytes = files.map((file) => Uint8Array.from(atob(file), (c) => c.charCodeAt(0)).buffer);
  const [one, two] = await Promise.all(bytes.map((file, i) => decoded(context, file, rates[i])));
  transport.load({ a: one, b: two }, gains);
  if (side === "b") transport.turn("b", 0);
  transport.play(0.05);
  return text((await context.startRendering()).getChannelData(0));
}

const RECORDER = `registerProcessor("recorder", class extends AudioWorkletProcessor {
  constructor() { super(); this.blocks = []; this.port.onmessage = () => { this.port.postMessage(this.blocks); this.blocks = []; }; }
  process([input]) {
    this.first ??= currentFrame;
    this.blocks.push({ frame: currentFrame, samples: input[0] ? input[0].slice() : new Float32Array(128) });
    return true;
  }
});`;

/** The device's rate, for signals made outside. */
export async function deviceRate() {
  const context = new AudioContext();
  const { sampleRate } = context;
  await context.close();
  return sampleRate;
}

/** Play live for a while, turning over at irregular moments while the page is busy; what came out. */
export async function live({ a, b, seconds, turns }) {
  const context = new AudioContext();
  await context.resume();
  const module = URL.createObjectURL(new Blob([RECORDER], { type: "text/javascript" }));
  await context.audioWorklet.addModule(module);
  const recorder = new AudioWorkletNode(context, "recorder");
  const out = context.createGain();
  out.connect(recorder).connect(context.destination);
  out.connect(context.destination);
  const transport = new Transport(context, { destination: out });
  transport.load(sounds(context, samplesOf(a), samplesOf(b)));
  transport.play();
  const { started } = transport.run;
  const log = [];
  const places = [];
  for (const [i, moment] of turns.entries()) {
    while (context.currentTime < started + moment) await new Promise((done) => setTimeout(done, 4));
    if (i % 3 === 0) for (const until = performance.now() + 30; performance.now() < until; ); // a busy page
    const at = transport.soon;
    transport.turn(transport.side === "a" ? "b" : "a", at);
    log.push([at, transport.side]);
    places.push([context.currentTime, transport.positionAt(context.currentTime)]);
  }
  while (context.currentTime < started + seconds) await new Promise((done) => setTimeout(done, 20));
  const blocks = await new Promise((done) => {
    recorder.port.onmessage = (event) => done(event.data);
    recorder.port.postMessage("all");
  });
  const [first, last] = [blocks[0].frame, blocks.at(-1).frame];
  const samples = new Float32Array(last - first + 128);
  for (const block of blocks) samples.set(block.samples, block.frame - first);
  await context.close();
  return { samples: text(samples), first, rate: context.sampleRate, started, log, places };
}

/** Samples of one rate at another, as the player resamples. */
export function resample({ samples, from, to }) {
  const context = new OfflineAudioContext(1, 1, to);
  const values = samplesOf(samples);
  const buffer = new AudioBuffer({ length: values.length, sampleRate: from, numberOfChannels: 1 });
  buffer.copyToChannel(values, 0);
  return text(resampled(context, buffer).getChannelData(0));
}
