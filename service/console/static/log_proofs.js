// Proofs of the log, verified: RFC 6962 trees, C2SP checkpoints and signed notes. It reads what it is given and asks nobody.
const text = new TextEncoder();
const ED25519 = 1;
const MOST_HASHES = 63;

export class Unproved extends Error {}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const leaf = entry => sha256(Uint8Array.of(0), entry);
const node = (left, right) => sha256(Uint8Array.of(1), left, right);
const equal = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

function bytes(base64) {
  let raw;
  try {
    raw = atob(base64);
  } catch {
    throw new Unproved("base64");
  }
  if (btoa(raw) !== base64) throw new Unproved("base64");
  return Uint8Array.from(raw, letter => letter.charCodeAt(0));
}

function hash(base64) {
  const found = bytes(base64);
  if (found.length !== 32) throw new Unproved("hash");
  return found;
}

function number(digits) {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(digits)) throw new Unproved("number");
  return Number(digits);
}

// A checkpoint: its text, which is signed, and the lines of its signatures.
export function checkpoint(note) {
  const end = note.lastIndexOf("\n\n");
  if (end < 0) throw new Unproved("checkpoint");
  const signed = note.slice(0, end + 1);
  const [origin, size, root, ...more] = signed.slice(0, -1).split("\n");
  if (!origin || root === undefined || more.includes("")) throw new Unproved("checkpoint");
  const signatures = note.slice(end + 2).split("\n").filter(line => line.startsWith("\u2014 ")).map(line => {
    const [, name, value] = line.split(" ");
    return { name, value: bytes(value ?? "") };
  });
  return { note, signed, origin, size: number(size), root: hash(root), signatures };
}

// The key of a vkey, NAME+ID+KEY: the id must be that of the key.
export async function verifierKey(line) {
  const [name, id, encoded] = line.split(/\+(.*?)\+(.*)/s);
  const key = bytes(encoded ?? "");
  if (key.length !== 33 || key[0] !== ED25519) throw new Unproved("key");
  const found = (await sha256(text.encode(`${name}\n`), key)).slice(0, 4);
  if ([...found].map(byte => byte.toString(16).padStart(2, "0")).join("") !== id) throw new Unproved("key");
  return { name, id, idBytes: found, public: key.slice(1), line };
}

// Whether the checkpoint is signed by the key; null if this browser cannot say.
export async function isSigned(found, key) {
  if (found.origin !== key.name) return false;
  const own = found.signatures.filter(each => each.name === key.name && equal(each.value.slice(0, 4), key.idBytes));
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.public, "Ed25519", false, ["verify"]);
  } catch {
    return null;
  }
  for (const each of own) {
    if (await crypto.subtle.verify("Ed25519", imported, each.value.slice(4), text.encode(found.signed))) return true;
  }
  return false;
}

function parts(proof, first) {
  const end = proof.indexOf("\n\n");
  if (end < 0 || !proof.startsWith(first)) throw new Unproved("proof");
  const [given, ...hashes] = proof.slice(first.length, end).split("\n");
  if (hashes.length > MOST_HASHES) throw new Unproved("proof");
  return { number: number(given), hashes: hashes.map(hash), checkpoint: checkpoint(proof.slice(end + 2)) };
}

export const inclusionProof = proof => parts(proof, "c2sp.org/tlog-proof@v1\nindex ");
export const consistencyProof = proof => parts(proof, "old ");

// Positions may be beyond 2^32, where the operators on bits no longer are exact.
const isOdd = at => at % 2 === 1;
const half = at => Math.floor(at / 2);

function upToOdd(at, last) {
  let [one, other] = [at, last];
  while (one !== 0 && !isOdd(one)) [one, other] = [half(one), half(other)];
  return [one, other];
}

// RFC 9162 section 2.1.3.2.
export async function includes({ root, size }, index, entry, proof) {
  if (index < 0 || index >= size) return false;
  let [at, last, computed] = [index, size - 1, entry];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      computed = await node(sibling, computed);
      [at, last] = upToOdd(at, last);
    } else {
      computed = await node(computed, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equal(computed, root);
}

// RFC 9162 section 2.1.4.2.
export async function extended(old, now, proof) {
  if (old.size === now.size) return proof.length === 0 && equal(old.root, now.root);
  if (old.size === 0) return proof.length === 0;
  if (old.size > now.size || proof.length === 0) return false;
  let [at, last] = [old.size - 1, now.size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  const path = at === 0 ? [old.root, ...proof] : proof;
  let [before, after] = [path[0], path[0]];
  for (const sibling of path.slice(1)) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      [before, after] = [await node(sibling, before), await node(sibling, after)];
      [at, last] = upToOdd(at, last);
    } else {
      after = await node(after, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equal(before, old.root) && equal(after, now.root);
}

// The entry of this number in a bundle: each comes after its length in two bytes.
export function entryOf(bundle, wanted) {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.length);
  let at = 0;
  for (let number = 0; at + 2 <= bundle.length; number += 1) {
    const length = view.getUint16(at);
    if (number === wanted) return bundle.slice(at + 2, at + 2 + length);
    at += 2 + length;
  }
  throw new Unproved("entry");
}

// What an entry says of itself: its position, its time, and what happened.
export function about(entry) {
  const head = new TextDecoder().decode(entry.slice(0, 17));
  const view = new DataView(entry.buffer, entry.byteOffset, entry.length);
  const at = new Date(Number(view.getBigInt64(25) / 1000n)).toISOString();
  const position = Number(view.getBigInt64(17));
  if (head === "muniment-token-1\n") {
    const hex = [...entry.slice(65, 81)].map(byte => byte.toString(16).padStart(2, "0")).join("");
    return { position, at, what: hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") };
  }
  if (head !== "muniment-event-1\n") throw new Unproved("entry");
  const length = view.getUint16(55);
  return { position, at, what: new TextDecoder().decode(entry.slice(57, 57 + length)) };
}
