// What the server tells, shown as text: nothing that comes from a device is ever read as HTML.

const at = id => document.getElementById(id);
const whole = n => Number(n).toLocaleString("en");
const say = (id, text) => { const node = at(id); if (node.textContent !== text) node.textContent = text; };
const percent = (part, all) => all ? `${Number((100 * part / all).toPrecision(3))} %` : "-";
const score = x => x === null ? "-" : String(x);
const named = name => name === "" ? "(no name)" : name;

function ago(seconds) {
  if (seconds < 1.5) return "now";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return `${whole(Math.round(seconds / 86400))} days ago`;
}

function node(tag, text, more = {}) {
  const made = Object.assign(document.createElement(tag), more);
  made.textContent = text;
  return made;
}

// -- what is shown --------------------------------------------------------------------------------

const chart = scoreChart(at("chart"), text => say("point", text));
const asked = { device: null, span: "recent", order: "alarms", part: "" };
let begun = 0, kept = 200, timed = false, status = null, heard = 0, connected = false, locked = false;

function show(told) {
  status = told.status;
  heard = performance.now();
  if (told.totals) {
    at("all").hidden = false;
    say("title", told.title);
    showTotals(told.totals);
    showDrift(told.drift);
    showChart(told.chart);
    showAlarms(told.alarms, told.totals);
    showDevices(told.devices, told.totals);
  }
  tick();
}

function showTotals(totals) {
  const n = totals.alarms, more = [];
  say("rows", whole(totals.rows));
  say("alarms", whole(n));
  say("share", percent(n, totals.judged));
  say("asked", totals.alpha === null ? "" : `asked for: ${Number((100 * totals.alpha).toPrecision(3))} %`);
  document.title = `${n ? `(${whole(n)}) ` : ""}${at("title").textContent}`;
  at("devices-tile").hidden = at("devices").hidden = totals.devices === null;
  say("devices-n", whole(totals.devices || 0));
  say("devices-more", totals.forgotten ? `told apart; ${whole(totals.forgotten)} forgotten` : "");
  if (totals.earlier) more.push("The file has earlier rows, which are not counted here.");
  if (totals.aside) more.push(`${whole(totals.aside)} lines of the file could not be read.`);
  if (totals.rows > totals.judged) {
    more.push(`${whole(totals.rows - totals.judged)} rows had no threshold yet, or no score.`);
  }
  if (totals.forgotten) {
    more.push(`${whole(totals.most)} devices are told apart; those silent longest are forgotten, and count as new when they come again.`);
  }
  say("notes", more.join(" "));
}

function showDrift(drift) {
  say("drift", drift ? drift.word : "-");
  say("drift-more", drift
    ? `median ${drift.now[0]}, before ${drift.then[0]}; highest tenth above ${drift.now[1]}, before ${drift.then[1]}`
    : "too few to compare");
  at("drift").parentNode.title = drift
    ? `${percent(drift.above, 1)} of the latest ${drift.latest} scores lie above what 10 % of the ${whole(drift.before)} before did, ${percent(drift.below, 1)} below what 10 % did` : "";
}

function showChart(told) {
  if (told.device !== asked.device) return;
  chart(told);
  say("of", told.device === null ? "" : `: ${named(told.device)}`);
  const last = told.rows ? `row ${whole(told.rows)}` : "";
  say("begin", told.begin || (told.rows ? `row ${whole(told.first + 1)}` : ""));
  say("end", told.end ? `${told.end} (${last})` : last);
  at("every").hidden = told.device === null;
  at("span").parentNode.hidden = told.device !== null;
}

function showAlarms(alarms, totals) {
  const list = at("alarms-list");
  if (alarms.begun !== begun) { list.replaceChildren(); begun = alarms.begun; timed = false; }
  const fresh = list.childElementCount > 0;
  kept = alarms.most;
  for (const [, row, device, when, high, cut, reason] of alarms.new) {
    const line = document.createElement("tr");
    if (fresh) line.className = "new";
    const cells = [["Row", whole(row), "by-row"], ["Time", when, "by-time"], ["Device", named(device), "by-device"],
      ["Score", score(high), "n"], ["Threshold", score(cut), "n"], ["Reason", reason, ""]];
    cells.forEach(([head, text, kind], i) => {
      const cell = node(i ? "td" : "th", text, { className: kind });
      if (!i) cell.scope = "row";
      cell.dataset.name = head;
      line.append(cell);
    });
    timed = timed || when !== "";
    list.prepend(line);
  }
  while (list.childElementCount > kept) list.lastElementChild.remove();
  const table = at("alarms-table");
  table.hidden = at("alarms-box").hidden = !list.childElementCount;
  table.classList.toggle("untimed", !timed);
  // the number of a row in the whole stream, or none
  table.classList.toggle("uncounted", totals.earlier || totals.aside > 0);
  table.classList.toggle("one-device", totals.devices === null);
  say("alarms-note", !totals.alarms ? "No alarm yet."
    : totals.alarms > kept ? `The latest ${kept} of ${whole(totals.alarms)}, newest first.` : "Newest first.");
}

function showDevices(devices, totals) {
  const list = at("devices-list");
  const lines = devices.list.map(([name, rows, alarms, when, seconds, high, cut]) => {
    const line = document.createElement("tr"), head = node("th", "", { scope: "row" });
    const button = node("button", named(name), { type: "button" });
    button.dataset.device = name;
    button.setAttribute("aria-pressed", String(asked.device === name));
    head.append(button);
    head.dataset.name = "Device";
    line.append(head);
    for (const [title, text] of [["Rows", whole(rows)], ["Alarms", whole(alarms)], ["Score", score(high)],
      ["Threshold", score(cut)], ["Seen", ago(seconds)]]) {
      const cell = node("td", text, { className: "n" });
      cell.dataset.name = title;
      if (title === "Seen") cell.title = when;
      line.append(cell);
    }
    return line;
  });
  const held = document.activeElement && document.activeElement.dataset.device;
  list.replaceChildren(...lines);
  if (held !== undefined) {
    const again = [...list.querySelectorAll("button")].find(button => button.dataset.device === held);
    if (again) again.focus({ preventScroll: true });
  }
  at("devices-table").hidden = !devices.list.length;
  say("devices-note", devices.matching > devices.list.length
    ? `The first ${devices.list.length} of ${whole(devices.matching)}: find others by a part of their name.`
    : devices.list.length ? "Choose one to see its scores." : totals.devices ? "No device has this in its name." : "No device yet.");
}

function tick() {
  const state = at("state"), still = (performance.now() - heard) / 1000;
  let text = "live", kind = "state live";
  if (locked) [text, kind] = ["a token is needed", "state"];
  else if (!connected || still > 20) [text, kind] = ["connection lost, trying again", "state bad"];
  else if (status && status.trouble) [text, kind] = [status.trouble, "state bad"];
  else if (status && status.waits) [text, kind] = [`waiting: ${status.waits}`, "state"];
  say("state", text);
  state.className = kind;
  if (status) {
    say("age", status.age === null ? "-" : ago(status.age + still));
    say("rate", `${whole(Number((status.rate || 0).toPrecision(2)))} rows a second`);
  }
}
setInterval(tick, 1000);

// -- where it comes from --------------------------------------------------------------------------

let source = null, later = 0;

function connect() {
  clearTimeout(later);
  if (source) source.close();
  const words = new URLSearchParams({ span: asked.span, order: asked.order, part: asked.part });
  if (asked.device !== null) words.set("device", `=${asked.device}`);
  begun = 0;
  source = new EventSource(`events?${words}`);
  source.onmessage = event => { connected = true; show(JSON.parse(event.data)); };
  source.onerror = async () => {
    source.close();
    connected = false;
    tick();
    // an event source does not say why it ended
    const answer = await fetch("enter").catch(() => null);
    if (answer && answer.status === 401) { askForToken(); return; }
    clearTimeout(later);
    later = setTimeout(connect, 2000);
  };
}

function askForToken() {
  at("all").hidden = true;
  at("enter").hidden = false;
  locked = true;
  tick();
  at("token").focus();
}

async function enter(token) {
  const answer = await fetch("enter", { headers: { Authorization: `Bearer ${token}` } }).catch(() => null);
  const taken = answer !== null && answer.ok;
  locked = !taken;
  at("enter").hidden = taken;
  if (taken) connect(); else say("refused", answer ? "not the token" : "no connection");
}

at("enter").addEventListener("submit", event => {
  event.preventDefault();
  enter(at("token").value);
});
at("span").addEventListener("change", event => { asked.span = event.target.value; connect(); });
at("order").addEventListener("change", event => { asked.order = event.target.value; connect(); });
let typing = 0;
at("part").addEventListener("input", event => {
  clearTimeout(typing);
  typing = setTimeout(() => { asked.part = event.target.value; connect(); }, 300);
});
at("every").addEventListener("click", () => { asked.device = null; connect(); });
at("devices-list").addEventListener("click", event => {
  const button = event.target.closest("button");
  if (!button) return;
  asked.device = button.dataset.device;
  connect();
  at("chart").scrollIntoView({ block: "center", behavior: "smooth" });
});

// the token may stand behind # in the address, which is never sent to a server nor to another page
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) { history.replaceState(null, "", location.pathname); enter(given); } else connect();
