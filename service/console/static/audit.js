// Keeps the first page of the feed current. The stream says that something happened; the rows come from the page itself.
const button = document.getElementById("live");
const MOST_ROWS = 200;
const PAUSE = 5000;
const TRIES = 10;
let stream = null;
let wanted = 0;
let shown = 0;
let timer = 0;
let tries = 0;
let then = 0;

const newest = list => Math.max(0, ...[...list.querySelectorAll("[data-position]")].map(row => Number(row.dataset.position)));

function say(text) {
  document.getElementById("live-state").textContent = text;
}

function off(text) {
  stream?.close();
  stream = null;
  clearTimeout(timer);
  timer = 0;
  button.setAttribute("aria-pressed", "false");
  say(text);
}

// What was read is put before the rows that are there. The feed follows the log, so it may need a moment more.
async function refresh() {
  timer = 0;
  then = Date.now();
  const address = new URL(location.href);
  address.searchParams.set("since", `position:${shown + 1}`);
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (stream === null) return;
  if (answer === null || !answer.ok || answer.redirected) {
    off(button.dataset.off);
    return;
  }
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("#events [data-position]");
  const panel = document.getElementById("events");
  if (found.length > 0 && !panel.querySelector("ol")) {
    const list = document.createElement("ol");
    list.className = "feed";
    panel.replaceChildren(list);
  }
  const list = panel.querySelector("ol");
  for (const row of [...found].reverse()) {
    if (Number(row.dataset.position) <= shown) continue;
    row.classList.add("new");
    list.prepend(document.adoptNode(row));
    shown = Number(row.dataset.position);
  }
  while (list && list.children.length > MOST_ROWS) list.lastElementChild.remove();
  if (shown < wanted && ++tries < TRIES) soon(1000);
}

function soon(least) {
  if (timer === 0) timer = setTimeout(refresh, Math.max(least, then + PAUSE - Date.now()));
}

function on() {
  shown = Math.max(shown, newest(document.getElementById("events")));
  stream = new EventSource(location.href);
  button.setAttribute("aria-pressed", "true");
  stream.addEventListener("open", () => say(button.dataset.on));
  stream.addEventListener("message", event => {
    const happened = JSON.parse(event.data);
    // Each refresh is a read that the log records: to follow these would never end.
    if (happened.type === "audit.read") return;
    wanted = happened.position;
    tries = 0;
    soon(300);
  });
  stream.addEventListener("end", event => off(JSON.parse(event.data).detail));
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) off(button.dataset.off);
    else say(button.dataset.waiting);
  });
}

if (button && "EventSource" in window) {
  button.hidden = false;
  button.addEventListener("click", () => {
    if (stream) off("");
    else on();
  });
}
