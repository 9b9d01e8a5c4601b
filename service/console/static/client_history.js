// Moves through the changes of this page with two sliders. Each step asks the server for the same page that the form asks for.
const entries = [...document.querySelectorAll("[data-position]")].reverse();
const positions = entries.map(entry => Number(entry.dataset.position));
const form = document.getElementById("compare");
let asked = null;
let pause = 0;

// The change that was the last one at a position; before the first one, -1.
const last = position => positions.findLastIndex(each => each <= position);

function say(slider) {
  const index = Number(slider.value);
  const time = index < 0 ? null : entries[index].querySelector("time");
  const said = document.getElementById(`said-${slider.dataset.field}`);
  said.textContent = time ? time.title : document.getElementById("sliders").dataset.before;
  slider.setAttribute("aria-valuetext", time ? `${entries[index].querySelector("p").textContent}, ${time.title}` : document.getElementById("sliders").dataset.before);
  form.elements[slider.dataset.field].value = time ? time.dateTime.replace("T", " ") : "";
  return index;
}

// The part of the track between the two moments.
function mark() {
  const [since, at] = ["since", "at"].map(name => (Number(document.getElementById(`slide-${name}`).value) + 1) / entries.length);
  const between = document.getElementById("between");
  between.setAttribute("x1", `${100 * Math.min(since, at)}%`);
  between.setAttribute("x2", `${100 * Math.max(since, at)}%`);
}

async function compare() {
  asked?.abort();
  asked = new AbortController();
  const compared = document.getElementById("compared");
  const address = new URL(form.action);
  const query = new URLSearchParams(new FormData(form));
  // Two changes may have one second, so the address has positions.
  for (const slider of document.querySelectorAll("#sliders input")) {
    const index = Number(slider.value);
    query.set(slider.dataset.field, `position:${index < 0 ? positions[0] - 1 : positions[index]}`);
  }
  address.search = query.toString();
  compared.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { signal: asked.signal, headers: { Accept: "text/html" } });
    const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("compared");
    if (!found) {
      location.assign(address);
      return;
    }
    compared.replaceChildren(...found.childNodes);
    compared.removeAttribute("aria-busy");
    history.replaceState(null, "", address);
  } catch (fault) {
    if (fault.name !== "AbortError") location.assign(address);
  }
}

if (entries.length > 0) {
  const compared = document.getElementById("compared");
  const sliders = document.getElementById("sliders");
  for (const slider of sliders.querySelectorAll("input")) {
    const moment = compared.dataset[slider.dataset.field];
    slider.min = "-1";
    slider.max = String(entries.length - 1);
    slider.value = String(moment === "" ? entries.length - 1 : last(Number(moment)));
    const given = form.elements[slider.dataset.field].value;
    const index = say(slider);
    if (slider.dataset.field === "at" && index >= 0) entries[index].classList.add("current");
    form.elements[slider.dataset.field].value = given;
    slider.addEventListener("input", () => {
      const now = say(slider);
      mark();
      if (slider.dataset.field === "at") {
        for (const [each, entry] of entries.entries()) entry.classList.toggle("current", each === now);
      }
    });
    // Every comparison is a read that the log records, so a drag asks once, at its end.
    slider.addEventListener("change", () => {
      clearTimeout(pause);
      pause = setTimeout(compare, 200);
    });
  }
  mark();
  sliders.hidden = false;
}
