// The mixing board: doses by sliders, two answers side by side. It asks its own server alone, and what others wrote becomes text, never markup.

const at = (id) => document.getElementById(id);
const board = { model: "", steering: null, known: "", running: null, coordinates: new Map() };
const key_name = "steer_key";
const slider_step = 0.05;
const fields = ["prompt", "max_tokens", "temperature", "seed", "phase"];

function make(tag, properties = {}, ...children) {
  const out = Object.assign(document.createElement(tag), properties);
  out.append(...children);
  return out;
}
const shown = (number, digits = 2) => String(Number(number.toFixed(digits))).replace("-", "\u2212");
const signed = (number, digits = 1) => (number < 0 ? "\u2212" : "+") + Math.abs(number).toFixed(digits);
const length_of = ({ text, is_cut }) => `${is_cut ? "at least " : ""}${(text.match(/\S+/g) ?? []).length} words`;
const digest_of = (digest) => make("code", { textContent: digest.slice(0, 12), title: digest });
const pause = (milliseconds) => new Promise((then) => setTimeout(then, milliseconds));

// --- The server -----------------------------------------------------------------------------------------------------------------

async function ask(path, options = {}) {
  const key = sessionStorage.getItem(key_name);
  const headers = { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...(options.body ? { "Content-Type": "application/json" } : {}) };
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch (problem) {
    throw options.signal?.aborted ? options.signal.reason : new Error("The server cannot be reached.");
  }
  if (response.ok) {
    return response;
  }
  at("key_form").hidden = at("key_form").hidden && response.status !== 401;
  const said = await response.json().catch(() => null);
  const problem = new Error(`The server refused (${response.status}): ${said?.error?.message ?? "it does not say why"}`);
  throw Object.assign(problem, { status: response.status });
}

// The data of server-sent events, one text each.
async function* events_of(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const next = () => reader.read().catch(() => { throw signal.aborted ? signal.reason : new Error("The answer broke off: the connection is lost."); });
  let rest = "";
  for (let { value, done } = await next(); !done; { value, done } = await next()) {
    const lines = (rest + value).split(/\r?\n/);
    rest = lines.pop();
    yield* lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim());
  }
}

// Waits until the server is ready, and says what it waits for.
async function start() {
  at("compare").disabled = true;
  for (;; await pause(1000)) {
    try {
      await read_model();
      at("key_form").hidden = true;
      at("status").textContent = "";
      at("compare").disabled = false;
      return;
    } catch (problem) {
      if (problem.status === 401) {
        at("status").textContent = problem.message;
        return;
      }
      const health = await fetch("health", { cache: "no-store" }).then((response) => response.json()).catch(() => null);
      at("status").textContent = health?.status === "starting" ? `The server is starting: ${health.progress}\u2026` : `${problem.message} Trying again.`;
    }
  }
}

// What may be asked for; the controls are made anew only where that has changed.
async function read_model() {
  const text = await (await ask("v1/models")).text();
  if (text === board.known) {
    return;
  }
  const first = JSON.parse(text).data[0];
  const kept = board.known ? settings() : { ...settings(), ...settings_in(location.hash) };
  board.known = text;
  board.model = first.id;
  board.steering = { active: null, presets: [], request_doses: [0, 0], base: "always", ...first.steering };
  at("model").textContent = first.id;
  show_controls();
  apply(kept);
}

// --- Controls -------------------------------------------------------------------------------------------------------------------

// Of each name the newest version.
function newest() {
  const version = (preset) => Number(preset.reference.split("@")[1] ?? 0);
  const out = new Map();
  for (const each of board.steering.presets) {
    if (!out.has(each.name) || version(out.get(each.name)) < version(each)) {
      out.set(each.name, each);
    }
  }
  return [...out.values()];
}

const may_leave_base = () => board.steering.base === "may_be_left";
const rows = () => [...document.querySelectorAll(".dose")];
const limits_of = (preset) => board.steering.request_doses.map((each, i) => each ?? preset.doses[i]);
const field_of = (row) => row.querySelector('input[type="number"]');
const dose_of = (row) => Number(field_of(row).value) || 0;

function show_controls() {
  const { active, digest, interference } = board.steering;
  const how = may_leave_base() ? ", to which doses are added" : ", which every answer here has";
  at("base_text").replaceChildren(...(active ? [make("b", {}, active), " ", digest_of(digest), how] : ["none is active"]));
  at("base_choice").hidden = !active || !may_leave_base();
  const presets = newest();
  at("presets").replaceChildren(...["none", ...presets.map((each) => each.name)].map((each, i) => {
    const button = make("button", { type: "button", textContent: i === 0 ? "All to 0" : each });
    button.addEventListener("click", () => set_doses(i === 0 ? {} : { [each]: 1 }));
    return button;
  }));
  at("sliders").replaceChildren(...presets.map(dose_row));
  at("interference").replaceChildren(...(interference ? [interference_table(interference)] : []));
}

// A slider, the number beside it, and what is known of that dose.
function dose_row(preset, i) {
  const [least, most] = limits_of(preset);
  const least_step = Math.ceil(least / slider_step - 1e-9) * slider_step;
  const slider = make("input", { type: "range", min: least_step.toFixed(2), max: most, step: slider_step, id: `slider_${i}` });
  const field = make("input", { type: "number", step: "any", value: "0", id: `dose_${i}`, inputMode: "decimal" });
  const reset = make("button", { type: "button", textContent: "Reset" });
  const warning = make("p", { className: "warning", id: `warning_${i}` });
  const scale = make("div", { className: "scale" });
  slider.setAttribute("aria-label", `Dose of ${preset.name}`);
  reset.setAttribute("aria-label", `Reset ${preset.name} to 0`);
  scale.setAttribute("aria-hidden", "true");
  for (const tick of new Set([least, ...[0, 1].filter((each) => each > least && each < most), most])) {
    const mark = make("span", { textContent: shown(tick) });
    mark.style.left = `calc(9px + ${(tick - least) / (most - least || 1)} * (100% - 18px))`;
    scale.append(mark);
  }
  [slider, field].forEach((each) => each.setAttribute("aria-describedby", warning.id));
  const label = make("label", { htmlFor: field.id, textContent: preset.name, title: `${preset.reference}, ${preset.digest}` });
  const about = make("p", { className: "soft about", textContent: about_text(preset.fitted) });
  const row = make("div", { className: "dose" }, make("div", { className: "head" }, label, field, reset), slider, scale, about, warning);
  row.dataset.name = preset.name;
  slider.addEventListener("input", () => { field.value = slider.value; });  // the form hears of it next
  reset.addEventListener("click", () => { field.value = "0"; changed(); });
  return row;
}

// What a preset was fitted to, and how much of that it does; nothing where that is not known.
function about_text(fitted) {
  const per_cent = (share) => Math.round(100 * share);
  const does = fitted?.recovery ? `: at 1 it does ${per_cent(fitted.recovery.value)} % of that (\u00b1${per_cent(fitted.recovery.error)})` : "";
  const moves = fitted?.drift ? `, and moves other texts by ${fitted.drift.value.toFixed(3)} nats a token` : "";
  return fitted?.instruction ? `\u201c${fitted.instruction}\u201d${does}${moves}` : "";
}

function set_doses(doses) {
  rows().forEach((row) => { field_of(row).value = doses[row.dataset.name] ?? 0; });
  changed();
}

function show_dose(row, now) {
  const preset = newest().find((each) => each.name === row.dataset.name);
  const slider = row.querySelector('input[type="range"]');
  const [least, most] = limits_of(preset);
  const dose = dose_of(row);
  const base = board.steering.active === preset.reference && now.base !== "without" && now.phase === "all" ? 1 : 0;  // the operator's own
  const share = (tested) => Math.min(1, Math.max(0, (tested - base - least) / (most - least || 1)));
  slider.value = dose;
  slider.style.setProperty("--from", share(preset.doses[0]));
  slider.style.setProperty("--to", share(preset.doses[1]));
  const all = dose + base;
  const looked_at = `${shown(preset.doses[0])} to ${shown(preset.doses[1])}`;
  const warning =
    dose < least || dose > most ? `This server allows ${shown(least)} to ${shown(most)}, and will refuse ${shown(dose)}.`
    : dose !== 0 && (all < preset.doses[0] || all > preset.doses[1])
      ? `Nobody has looked at a dose of ${shown(all)}${base ? ", the operator\u2019s 1 included" : ""}, only at ${looked_at}.` : "";
  row.querySelector(".warning").textContent = warning;
  row.classList.toggle("beyond", warning !== "");
}

function changed() {
  const now = settings();
  const only = Object.keys(now.doses);
  rows().forEach((row) => show_dose(row, now));
  for (const button of at("presets").children) {
    const is_mix = button === at("presets").firstChild ? only.length === 0 : only.length === 1 && now.doses[button.textContent] === 1;
    button.setAttribute("aria-pressed", is_mix);
  }
  at("plain_title").textContent = may_leave_base() || !board.steering?.active ? "Unsteered" : `Operator\u2019s preset alone (${board.steering.active})`;
  at("link").href = link_of(now);
  clearTimeout(board.remembering);
  board.remembering = setTimeout(() => history.replaceState(null, "", at("link").href), 300);
}

// Everything but the key; a dose of 0 is none.
function settings() {
  const doses = Object.fromEntries(rows().map((row) => [row.dataset.name, dose_of(row)]).filter(([, dose]) => dose !== 0));
  const base = document.querySelector('input[name="base"]:checked').value;
  return { doses, base, ...Object.fromEntries(fields.map((id) => [id, at(id).value])) };
}
function apply(wanted) {
  fields.forEach((id) => { at(id).value = wanted[id] ?? at(id).value; });
  at("phase").value ||= "all";
  document.querySelector(`input[name="base"][value="${wanted.base === "without" ? "without" : "on_top"}"]`).checked = true;
  set_doses(wanted.doses ?? {});
}

function link_of({ doses, ...others }) {
  const named = Object.entries(doses).map(([name, dose]) => [`dose.${name}`, dose]);
  return `#${new URLSearchParams([...named, ...Object.entries(others)])}`;
}
function settings_in(hash) {
  const out = {};
  for (const [key, value] of new URLSearchParams(hash.slice(1))) {
    const is_number = Number.isFinite(Number(value));
    if (key.startsWith("dose.") && is_number) {
      (out.doses ??= {})[key.slice(5)] = Number(value);
    } else if (key === "base" || (fields.includes(key) && (at(key).type !== "number" || is_number))) {
      out[key] = value;
    }
  }
  return out;
}

// --- Answers --------------------------------------------------------------------------------------------------------------------

async function compare() {
  if (board.running || at("compare").disabled) {
    return;
  }
  const running = board.running = new AbortController();
  busy(true);
  try {
    await read_model();  // another preset may be active by now
    const now = settings();
    const without = may_leave_base();
    const coordinates = board.steering.coordinates?.length > 0;  // otherwise nothing can be asked for
    const sides = [["plain", { base: !without, doses: {} }], ["steered", { base: !(without && now.base === "without"), doses: now.doses, phase: now.phase }]];
    const runs = sides.map(([id, steering]) => answer(at(id), { ...request_of(now), steering: coordinates ? { ...steering, coordinates } : steering }, running.signal).catch((problem) => {
      running.abort(problem);  // one refusal ends both
      throw problem;
    }));
    const [plain, steered] = (await Promise.allSettled(runs)).map((each) => each.value);
    running.signal.throwIfAborted();
    at("both").textContent = plain.text === steered.text ? "Both answers are the same text." : `${length_of(steered)} instead of ${length_of(plain)}.`;
    at("status").textContent = "Both answers are complete.";
  } catch (problem) {
    at(problem.name === "AbortError" ? "status" : "refusal").textContent = problem.name === "AbortError" ? "Stopped." : problem.message;
  } finally {
    board.running = null;
    busy(false);
  }
}

function request_of(now) {
  return {
    model: board.model, messages: [{ role: "user", content: now.prompt }], stream: true, stream_options: { include_usage: true },
    temperature: Number(now.temperature), max_tokens: Number(now.max_tokens), seed: Number(now.seed),
  };
}

function busy(is) {
  at("compare").disabled = is;
  at("stop").disabled = !is;
  if (is) {
    ["refusal", "status", "both"].forEach((id) => { at(id).textContent = ""; });
    document.querySelectorAll("article .text, article dl").forEach((each) => each.replaceChildren());
    board.coordinates.clear();
    show_concepts();
  } else if (document.activeElement === document.body || document.activeElement === at("stop")) {
    at("compare").focus({ preventScroll: true });  // the button that had the focus is disabled now
  }
}

// One answer as it streams: what it says, and whether it stopped only because there were enough tokens.
async function answer(side, request, signal) {
  const [text, facts] = [side.querySelector(".text"), side.querySelector("dl")];
  const began = performance.now();
  let last = null;
  let is_cut = false;
  side.setAttribute("aria-busy", "true");
  try {
    const response = await ask("v1/chat/completions", { method: "POST", body: JSON.stringify(request), signal });
    for await (const data of events_of(response.body, signal)) {
      if (data === "[DONE]") {
        break;
      }
      const chunk = JSON.parse(data);
      if (chunk.error) {
        throw new Error(`The answer broke off: ${chunk.error.message}`);
      }
      add_token(text, chunk.choices?.[0]?.delta?.content, chunk.steering_coordinates);
      last = chunk.steering ? chunk : last;
      is_cut ||= chunk.choices?.[0]?.finish_reason === "length";
    }
    signal.throwIfAborted();
    if (!last) {
      throw new Error("The answer broke off before its end.");
    }
    const out = { text: text.textContent, is_cut };
    show_facts(facts, last, out, (performance.now() - began) / 1000);
    return out;
  } finally {
    side.removeAttribute("aria-busy");
  }
}

function add_token(text, content, coordinates) {
  if (!content) {
    return;
  }
  const token = make("span", { className: "token", textContent: content });
  text.append(token);
  if (coordinates) {
    board.coordinates.set(token, coordinates);
    show_concepts(Object.keys(coordinates));
    tint(token);
  }
}

function show_concepts(names = []) {
  const select = at("concept");
  const known = [...select.options].map((each) => each.value);
  select.append(...names.filter((each) => !known.includes(each)).map((each) => make("option", { value: each, textContent: each })));
  if (known.length === 0 && names.length > 0) {  // nobody has chosen: what there is most of
    const dose = (name) => Math.abs(settings().doses[name] ?? 0);
    select.value = names.reduce((most, each) => (dose(each) > dose(most) ? each : most));
  }
  at("tint").hidden = board.coordinates.size === 0;
}

function tint(token) {
  const value = board.coordinates.get(token)[at("concept").value];
  const strength = Math.min(1, Math.abs(value ?? 0)) * 0.55;
  token.style.backgroundColor = value < 0 ? `rgb(37 99 176 / ${strength})` : `rgb(194 87 26 / ${strength})`;
  token.title = value === undefined ? "" : signed(value, 2);
}

// How much likelier a text becomes beside its opposite, in words.
function likelihood_of(nats, error) {
  const times = Number(Math.exp(Math.abs(nats)).toPrecision(2)).toLocaleString("en");
  return Math.abs(nats) <= 2 * error ? "no change that stands out" : `such answers about ${times} times ${nats < 0 ? "less" : "more"} likely`;
}

function show_facts(list, { steering, usage }, said, seconds) {
  const add = (term, ...lines) => list.append(make("dt", { textContent: term }), make("dd", {}, ...lines.map((each) => make("div", {}, each))));
  const doses = Object.entries(steering.doses ?? {});
  add("Operator\u2019s preset", steering.preset ?? "none");
  add("Digest", steering.digest ? digest_of(steering.digest) : "none, since nothing acts");
  add("Doses", ...(doses.length ? doses.map(([name, dose]) => `${shown(dose)} ${name}`) : ["none"]));
  if (doses.length) {
    const effects = Object.entries(steering.expected ?? {}).map(([name, { nats, error }]) => `${name}: ${likelihood_of(nats, error)} (${signed(nats)} nats, \u00b1${error.toFixed(1)})`);
    add("Expected", ...(effects.length ? effects : ["Nobody has measured what this does to the output."]));
  }
  add("Length", length_of(said) + (usage ? `, ${usage.completion_tokens} tokens` : "") + (said.is_cut ? ", then cut off" : ""));
  if (usage?.completion_tokens) {
    add("Time", `${(seconds / usage.completion_tokens).toFixed(3)} s a token, both at once`);
  }
  for (const [name, share] of Object.entries(steering.budget ?? {}).filter(([, share]) => share !== null)) {
    const meter = make("meter", { max: 1, high: 0.9, value: share });
    meter.setAttribute("aria-label", `Share of the ${name} budget`);
    add(`Budget, ${name}`, make("span", {}, meter, ` ${Math.round(100 * share)} %`));
  }
  if (steering.warnings?.length) {
    add("Warnings", ...steering.warnings.map((each) => make("p", { className: "warning", textContent: each })));
  }
}

// Cosines of the presets' directions with each other.
function interference_table({ names, cosines }) {
  const head = (text, scope) => Object.assign(make("th", { textContent: text }), { scope });
  const cell = (value) => {
    const out = make("td", { textContent: value.toFixed(2).replace("-", "\u2212") });
    out.style.backgroundColor = `rgb(${value < 0 ? "37 99 176" : "194 87 26"} / ${Math.min(1, Math.abs(value)) * 0.4})`;
    return out;
  };
  const caption = make("caption", { textContent: "Interference: cosines of the presets\u2019 directions. 1 pushes the same way, \u22121 the other way, 0 neither." });
  const lines = names.map((name, i) => make("tr", {}, head(name, "row"), ...cosines[i].map(cell)));
  return make("table", {}, caption, make("tr", {}, make("td"), ...names.map((name) => head(name, "col"))), ...lines);
}

// --- What is done when --------------------------------------------------------------------------------------------------------------

at("board").addEventListener("submit", (event) => { event.preventDefault(); compare(); });
at("board").addEventListener("input", changed);
at("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    at("board").requestSubmit();
  }
});
at("stop").addEventListener("click", () => board.running?.abort());
at("concept").addEventListener("change", () => [...board.coordinates.keys()].forEach(tint));
at("link").addEventListener("click", (event) => {
  event.preventDefault();
  history.replaceState(null, "", at("link").href);
  const copied = navigator.clipboard?.writeText(at("link").href) ?? Promise.reject();
  copied.then(() => "The link is copied.", () => "The link stands in the address bar.").then((text) => { at("status").textContent = text; });
});
at("key_form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(key_name, at("key").value);
  at("key").value = "";
  start();
});
addEventListener("hashchange", () => apply(settings_in(location.hash)));

start();
