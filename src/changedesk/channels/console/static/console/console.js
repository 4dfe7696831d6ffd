// Keyboard and small comforts of the console. Every page works without this file.
//
// <html data-keys="off"> (set by the server from the person's preference) or the switch in the
// shortcuts dialog turns the single keys off; Ctrl/Cmd+Enter and Escape stay. WCAG 2.1.4.

const root = document.documentElement;
const STORE = "desk.keys";

const keysOff = () => root.dataset.keys === "off" || localStorage.getItem(STORE) === "off";

const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

// Rows marked data-row form one list; j and k move the focus, Enter follows the row's own link.
function moveRow(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (rows.length === 0) return;
  const here = rows.findIndex((row) => row.contains(document.activeElement) || row.hasAttribute("data-here"));
  const next = rows[Math.min(Math.max(here + step, 0), rows.length - 1)];
  for (const row of rows) row.toggleAttribute("data-here", row === next);
  (next.querySelector("[data-open]") ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
}

function press(key) {
  // In a list of cards, the key means the card one stands on.
  const wanted = `[data-key="${CSS.escape(key)}"]`;
  const target = rowHere()?.querySelector(wanted) ?? document.querySelector(wanted);
  if (!target || target.hasAttribute("disabled") || target.getAttribute("aria-disabled") === "true") return false;
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.querySelector("select, input:not([type=hidden]), textarea, button")?.focus();
  } else if (target.matches("input, textarea, select, [data-focus]")) {
    target.focus();
    target.scrollIntoView({ block: "center" });
  } else {
    target.click();
  }
  return true;
}

let leader = -Infinity; // when "g" was pressed, in page time

function singleKey(event) {
  const key = event.key;
  if (event.timeStamp - leader < 1200) {
    leader = -Infinity;
    if (press(`g ${key}`)) event.preventDefault();
    return;
  }
  if (key === "g") { leader = event.timeStamp; return; }
  if (key === "j" || key === "k") { moveRow(key === "j" ? 1 : -1); event.preventDefault(); return; }
  if (key === "x") { rowHere()?.querySelector("input[type=checkbox]")?.click(); return; }
  if (key === "?") { showKeys(); event.preventDefault(); return; }
  if (press(key)) event.preventDefault();
}

const rowHere = () => document.querySelector("[data-row][data-here]") ?? document.activeElement?.closest("[data-row]");

function showKeys() {
  const dialog = document.getElementById("keys");
  if (dialog && !dialog.open) dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest?.("form") ?? document.querySelector("form[data-main]");
    const submit = form?.querySelector("[data-submit]") ?? form?.querySelector("button[type=submit], button:not([type])");
    if (form && submit && !submit.disabled) { form.requestSubmit(submit); event.preventDefault(); }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
    else if (typing(event.target)) event.target.blur();
    return;
  }
  if (keysOff() || typing(event.target) || document.querySelector("dialog[open]")) return;
  singleKey(event);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-show-keys]")) { event.preventDefault(); showKeys(); }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy);
});

// One press, one request: the second submit of the same page is swallowed (the server refuses it too).
document.addEventListener("submit", (event) => {
  const form = event.target;
  // Not form.method: a field of that name would stand in its place.
  if (form.getAttribute("method")?.toLowerCase() !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// "Select all" of a table.
document.addEventListener("change", (event) => {
  if (event.target.id === "keys-off") {
    localStorage.setItem(STORE, event.target.checked ? "on" : "off");
  } else if (event.target.matches("[data-tick-all]")) {
    for (const box of event.target.closest("table").querySelectorAll("[data-tick]")) box.checked = event.target.checked;
  }
});

// The verified badge counts down; at zero the page is asked again, and the server masks.
for (const badge of document.querySelectorAll("[data-until]")) {
  const left = badge.querySelector("[data-left]");
  const until = Date.parse(badge.dataset.until);
  const tick = () => {
    const minutes = Math.ceil((until - Date.now()) / 60000);
    if (minutes <= 0) {
      badge.dataset.ended = "1";
      for (const submit of document.querySelectorAll("[data-needs-verified]")) submit.disabled = true;
      const ended = document.getElementById("verification-ended");
      if (ended) ended.hidden = false;
      return;
    }
    if (left) left.textContent = new Intl.NumberFormat(root.lang).format(minutes);
    setTimeout(tick, 15000);
  };
  if (until) tick();
}

const box = document.getElementById("keys-off");
if (box) box.checked = !keysOff();

// On a telephone each value of a table stands beside the word of its column; the style sheet shows it.
function nameColumns() {
  for (const table of document.querySelectorAll(".table:not([data-worded])")) {
    const words = [...table.querySelectorAll("thead th")].map((head) => head.querySelector(".visually-hidden") ? "" : head.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      for (const [place, cell] of [...row.cells].entries()) if (words[place]) cell.dataset.column = words[place];
    }
    table.dataset.worded = "";
  }
}
nameColumns();
document.addEventListener("htmx:afterSwap", nameColumns);

// Where one stands may be out of sight in a strip that scrolls sideways.
for (const here of document.querySelectorAll(":is(.tabs, .kinds) [aria-current]")) {
  if (!location.hash) here.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// A page that came back with errors starts at their summary.
document.getElementById("error-summary")?.focus();

export { keysOff, moveRow };
