/** Another sample rate by a windowed sinc: browsers' own ways lose the top of the band, each differently.
 *
 * A sound of 16 kHz whose top is lost is softer than its file says; between files of different rates
 * that would be heard as a difference of the models. */

const HALF = 64; // input samples on each side: flat up to 91 % of the lower band
const CUTOFF = 0.96; // of the lower band: as soxr has it, with which loudness is measured on the server
const BETA = 8; // Kaiser's window: about 80 dB

/** An AudioBuffer at the context's rate, as long as the sound. */
export function resampled(context, sound) {
  const [from, to] = [sound.sampleRate, context.sampleRate];
  if (from === to) return sound;
  const length = Math.max(1, Math.round((sound.length * to) / from));
  const made = context.createBuffer(sound.numberOfChannels, length, to);
  const [up, down] = [to, from].map((rate) => rate / divisor(from, to));
  const reach = Math.ceil(HALF * Math.max(1, from / to));
  const phases = Array.from({ length: up }, (_, phase) => taps(phase / up, reach, Math.min(1, to / from) * CUTOFF));
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const samples = new Float32Array(sound.length + 2 * reach);
    samples.set(sound.getChannelData(channel), reach);
    made.copyToChannel(filtered(samples, length, phases, up, down), channel);
  }
  return made;
}

/** Output n lies at n * down / up of the input; samples are padded by the filter's reach. */
function filtered(samples, length, phases, up, down) {
  const out = new Float32Array(length);
  for (let n = 0; n < length; n += 1) {
    const whole = Math.floor((n * down) / up);
    const weights = phases[(n * down) % up];
    let sum = 0;
    for (let k = 0; k < weights.length; k += 1) sum += weights[k] * samples[whole + 1 + k];
    out[n] = sum;
  }
  return out;
}

/** The weights of the input samples from 1 - reach to reach around a place between two samples. */
function taps(fraction, reach, cutoff) {
  const weights = Float64Array.from({ length: 2 * reach }, (_, k) => {
    const away = k + 1 - reach - fraction;
    const sinc = away === 0 ? cutoff : Math.sin(Math.PI * cutoff * away) / (Math.PI * away);
    return sinc * bessel(BETA * Math.sqrt(Math.max(0, 1 - (away / reach) ** 2)));
  });
  const sum = weights.reduce((total, weight) => total + weight, 0); // so that a constant stays one
  return weights.map((weight) => weight / sum);
}

/** The modified Bessel function of order nought. */
function bessel(x) {
  let [term, sum] = [1, 1];
  for (let k = 1; k < 40; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const divisor = (a, b) => (b ? divisor(b, a % b) : a);
