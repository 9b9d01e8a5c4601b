// Verifies entries and the growth of the log, from what it fetches: the page's own words are no proof.
const script = document.getElementById("log-script");
const { Unproved, about, checkpoint, consistencyProof, entryOf, extended, includes, inclusionProof, isSigned, leaf, verifierKey } =
  await import(script.dataset.proofs);

const panel = document.getElementById("verification");
const WIDTH = 256;

function say(list, name, good, put = {}) {
  const line = document.createElement("li");
  line.className = good === null ? "open" : good ? "proved" : "disproved";
  const said = document.querySelector(`[data-say="${name}"]`).textContent;
  line.textContent = said.replace(/%\((\w+)\)s/g, (_, key) => String(put[key]));
  list.append(line);
  return good;
}

async function part(name, query = {}) {
  const answer = await fetch(`${panel.dataset.url}?${new URLSearchParams({ part: name, ...query })}`);
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? `HTTP ${answer.status}`);
  }
  return answer;
}

const kept = name => localStorage.getItem(`muniment ${panel.dataset.url} ${name}`);
const keep = (name, value) => localStorage.setItem(`muniment ${panel.dataset.url} ${name}`, value);

// The key of a tree, if it is the one that this browser kept. A kept key names the origin, too: another origin is another log.
async function keyOf(list, tree, origin) {
  const lines = (await (await part("key")).text()).split("\n").filter(Boolean);
  const keys = await Promise.all(lines.map(verifierKey));
  const key = keys.find(each => each.name === origin);
  const known = kept(`key ${tree}`);
  if (known !== null && known !== key?.line) return say(list, "other-key", false) || null;
  if (!key) throw new Unproved("key");
  return key;
}

// Whether the key of the tree signed the checkpoint; null if this browser cannot say.
async function isByTheLog(list, tree, found) {
  const key = await keyOf(list, tree, found.origin);
  if (key === null) return false;
  const signed = await isSigned(found, key);
  if (signed === null) return say(list, "no-ed25519", null);
  if (!signed) return say(list, "unsigned", false);
  if (kept(`key ${tree}`) === null) say(list, "first-key", null);
  keep(`key ${tree}`, key.line);
  return say(list, "signed", true, { size: found.size, key: `${key.name}+${key.id}` });
}

// Whether the new checkpoint contains the old one. Without a verified signature that is no proof, so it is not shown as one.
async function grew(list, tree, old, now, signed) {
  if (old.size > now.size) return say(list, "shorter", false);
  const proof = consistencyProof(await (await part("consistency", { tree, old: old.size, new: now.size })).text());
  const grown = proof.number === old.size && proof.checkpoint.signed === now.signed && (await extended(old, now, proof.hashes));
  say(list, grown ? (old.size === now.size ? "same" : "grew") : "forked", grown && signed, { old: old.size, new: now.size });
  return grown;
}

async function grewFromKept(list, tree, now, signed) {
  const note = kept(`checkpoint ${tree}`);
  return note === null || (await grew(list, tree, checkpoint(note), now, signed));
}

function keepHead(list, tree, now, signed) {
  if (!signed) return;
  keep(`checkpoint ${tree}`, now.note);
  say(list, "kept", true, { size: now.size });
}

async function checkInclusion(list, form) {
  const [tree, position] = [form.elements.tree.value, Number(form.elements.position.value)];
  const proof = inclusionProof(await (await part("inclusion", { tree, position })).text());
  const found = proof.checkpoint;
  const signed = await isByTheLog(list, tree, found);
  if (signed === false || !(await grewFromKept(list, tree, found, signed))) return;
  const index = position - 1;
  const number = Math.floor(index / WIDTH);
  const width = Math.min(WIDTH, found.size - number * WIDTH);
  const bundle = new Uint8Array(await (await part("entries", { tree, number, width })).arrayBuffer());
  const entry = entryOf(bundle, index % WIDTH);
  const said = about(entry);
  const proved = proof.number === index && said.position === position && (await includes(found, index, await leaf(entry), proof.hashes));
  say(list, proved ? "included" : "excluded", proved && signed, said);
  if (proved) keepHead(list, tree, found, signed);
}

async function checkGrowth(list, tree, now, given) {
  const signed = await isByTheLog(list, tree, now);
  if (signed === false) return false;
  if (given !== null) {
    if ((await isByTheLog(list, tree, given)) === false) return false;
    if (!(await grew(list, tree, given, now, signed))) return false;
  }
  if (!(await grewFromKept(list, tree, now, signed))) return false;
  keepHead(list, tree, now, signed);
  return true;
}

// Both trees, or the one of which the reader gives a checkpoint. After a fault in the first, nothing of the second is believed or kept.
async function checkConsistency(list, form) {
  const text = form.elements.kept.value.trim();
  const given = text ? checkpoint(`${text}\n`) : null;
  for (const tree of ["log", "issuance"]) {
    const now = checkpoint(await (await part("checkpoint", { tree })).text());
    if (given !== null && given.origin !== now.origin) continue;
    if (!(await checkGrowth(list, tree, now, given)) || given !== null) return;
  }
  if (given !== null) say(list, "unreadable", false);
}

function offer(id, found, check) {
  const form = document.getElementById(id);
  form.addEventListener("submit", async event => {
    event.preventDefault();
    const [list, button] = [document.getElementById(found), form.querySelector("button")];
    list.replaceChildren();
    button.disabled = true;
    try {
      if (crypto.subtle) await check(list, form);
      else say(list, "insecure", null);
    } catch (fault) {
      if (fault instanceof Unproved) say(list, "unreadable", false);
      else say(list, "failed", null, { why: fault.message });
    }
    button.disabled = false;
  });
}

offer("check-inclusion", "found-inclusion", checkInclusion);
offer("check-consistency", "found-consistency", checkConsistency);
panel.hidden = false;
