// What happens meanwhile: says so above the queue, and never moves a row under somebody's eyes.
// Every page is complete without this file, and without the process that it listens to.
//
// Tabs of one browser at one client share one stream: whoever holds the lock listens and tells the others.

const script = document.querySelector("script[data-live]");
const client = script.dataset.client;
const words = JSON.parse(script.dataset.words);
const NAME = `desk.live.${client}`;
const PAUSED = "desk.live.paused";
const SILENT = 18_000; // the process says something every 15 s, and a loss shows within 20 s
const AGAIN = 20_000;
const AGAIN_MAX = 300_000;

const tabs = new BroadcastChannel(NAME);
let last = null; // the index of the newest event heard, by whichever tab

// --- what the page shows ---------------------------------------------------------------------------------------

const count = (word, number) =>
  word.replace("{count}", new Intl.NumberFormat(document.documentElement.lang).format(number));

const lost = document.createElement("span");
lost.className = "muted small nowrap";
lost.setAttribute("role", "status");
lost.dataset.liveState = "";
document.querySelector(".topbar-end")?.prepend(lost);

const showState = (state) => {
  lost.dataset.liveState = state;
  lost.textContent = state === "lost" ? words.lost : "";
};

// The log is damaged, or somebody broke the glass: as the page itself says it when it is loaded. Only who may know is
// told.
const showNote = (mark, tone, page, text) => {
  const main = document.querySelector("main");
  if (!main || document.querySelector(`[${mark}]`)) return;
  const note = document.createElement("div");
  note.className = `note ${tone} gap`;
  note.setAttribute("role", "alert");
  note.setAttribute(mark, "");
  const link = document.createElement("a");
  link.href = `/c/${encodeURIComponent(client)}/${page}`;
  link.textContent = text;
  note.append(link);
  main.prepend(note);
};

const queue = document.querySelector(".tabs") && location.pathname.endsWith("/queue") ? makeBar() : null;

function makeBar() {
  const asked = new URLSearchParams(location.search);
  const tab = asked.get("tab") ?? "open";
  const shown = new Set([...document.querySelectorAll("[data-row] .ref")].map((one) => one.textContent.trim()));
  const fresh = new Set();
  const changed = new Set();
  let anew = false;

  const look = document.createElement("button");
  look.type = "button";
  look.className = "btn btn-small";
  look.hidden = true;
  look.dataset.liveNew = "";
  look.addEventListener("click", () => location.reload());
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  said.setAttribute("aria-live", "polite");
  said.append(look);
  const pause = document.createElement("button");
  pause.type = "button";
  pause.className = "btn btn-small btn-quiet";
  pause.dataset.livePause = "";
  pause.addEventListener("click", () => {
    if (localStorage.getItem(PAUSED)) localStorage.removeItem(PAUSED);
    else localStorage.setItem(PAUSED, "1");
    show();
  });
  document.querySelector(".page-head .actions")?.prepend(said, pause);

  function show() {
    const paused = localStorage.getItem(PAUSED) !== null;
    pause.textContent = paused ? words.resume : words.pause;
    if (paused) return;
    const parts = [];
    if (fresh.size) parts.push(count(words.new, fresh.size));
    if (changed.size) parts.push(count(words.changed, changed.size));
    const text = anew ? words.look : parts.join(" · ");
    look.hidden = text === "";
    if (look.textContent !== text) look.textContent = text;
  }
  show();

  return {
    moved({ ref, tabs: now }) {
      if (shown.has(ref)) changed.add(ref);
      // Whose request it is stands on the page only, so "entered by me" hears of its own rows alone.
      else if (now.includes(tab) && asked.get("mine") !== "1") fresh.add(ref);
      else fresh.delete(ref);
      show();
    },
    reset() {
      anew = true;
      show();
    },
  };
}

// --- what is heard ---------------------------------------------------------------------------------------------

function hear(message) {
  if (message.name === "state") {
    showState(message.state);
    return;
  }
  if (message.name === "alert") {
    showNote("data-alarm", "tone-danger", "audit/integrity", words.damaged);
    return;
  }
  if (message.name === "glass") showNote("data-glass", "tone-warn", "break-glass", words.glass);
  if (message.name === "queue") queue?.moved(message.data);
  if (message.name === "reset") queue?.reset();
  if (message.name !== "queue") last = message.data.index;
}

function tell(message) {
  hear(message);
  tabs.postMessage(message);
}

let state = "";
function tellState(now) {
  if (now !== state) tell({ name: "state", state: now });
  state = now;
}

let wait = AGAIN;
function listen() {
  // A tab that takes over goes on where the last one was.
  const after = last === null ? "" : `&after=${last}`;
  const address = `${script.dataset.live}/events?client=${encodeURIComponent(client)}${after}`;
  const source = new EventSource(address, { withCredentials: true });
  let alarm = setTimeout(silent, SILENT);

  function alive() {
    clearTimeout(alarm);
    alarm = setTimeout(silent, SILENT);
    wait = AGAIN;
    tellState("on");
  }
  function silent() {
    source.close();
    tellState("lost");
    listen();
  }
  source.addEventListener("open", alive);
  source.addEventListener("beat", (event) => {
    alive();
    if (last === null) last = Number(event.data);
  });
  for (const name of ["queue", "change", "reset", "alert", "glass"]) {
    source.addEventListener(name, (event) => {
      alive();
      tell({ name, data: JSON.parse(event.data) });
    });
  }
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) {
      // It comes back by itself, and says what it had.
      tellState("lost");
      return;
    }
    // Refused, or not there: nothing to say about that. Ask again, and ever more rarely.
    clearTimeout(alarm);
    tellState("off");
    setTimeout(listen, wait);
    wait = Math.min(wait * 2, AGAIN_MAX);
  });
}

tabs.addEventListener("message", ({ data }) => {
  // A tab that has just opened asks how things stand.
  if (data.name === "hello") {
    if (state) tabs.postMessage({ name: "state", state });
  } else hear(data);
});
tabs.postMessage({ name: "hello" });

// The lock is held for as long as this tab lives. Without locks (no secure context) each tab listens for itself.
if (navigator.locks) navigator.locks.request(NAME, () => { listen(); return new Promise(() => {}); });
else listen();
