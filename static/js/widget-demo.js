/* The demo page: the form sets the attributes of one <agent-output>, whose markup and events are shown. */

const form = document.getElementById("try-form");
const shown = document.getElementById("try");
const page = document.getElementById("try-page");
const log = document.getElementById("try-log");
const first = shown?.getAttribute("output");
const EVENTS = ["feedback-send", "feedback-sent", "feedback-queued", "feedback-refused"];

function put(element, name, value) {
  if (value) element.setAttribute(name, value);
  else element.removeAttribute(name);
}

/** The values of a group of boxes; nothing when all are ticked, which is what the attribute's absence means. */
function chosen(name) {
  const boxes = [...form.querySelectorAll(`[name="${name}"]`)];
  const ticked = boxes.filter((box) => box.checked).map((box) => box.value);
  return ticked.length === boxes.length ? "" : ticked.join(" ") || "none";
}

function apply() {
  const { lang, dir, scheme, accent, radius, consent, output, with: way } = form.elements;
  const credential = way.selectedOptions[0].dataset.value ?? "";
  const given = { show: chosen("show"), issues: chosen("issues"), lang: lang.value, consent: consent.value };
  const credentials = { key: way.value === "key" && credential, token: way.value === "token" && credential };
  for (const [name, value] of Object.entries({ ...given, ...credentials })) put(shown, name, value);
  if (shown.getAttribute("output") !== output.value) shown.setAttribute("output", output.value);
  page.dir = dir.value;
  const looks = { "color-scheme": scheme.value, "--agent-feedback-accent": accent.value, "--agent-feedback-radius": radius.value };
  for (const [name, value] of Object.entries(looks)) shown.style.setProperty(name, value);
  describe(given, way.value, looks);
}

/** The markup that gives the same, with stand-ins for the secrets. */
function describe(given, way, looks) {
  const stand = { key: 'key="pk_..."', token: 'token="ft_..."' }[way];
  const attributes = Object.entries(given).filter(([, value]) => value).map(([name, value]) => `${name}="${value}"`);
  const rules = Object.entries(looks).filter(([, value]) => value).map(([name, value]) => `  ${name}: ${value};`);
  const names = [`agent="${shown.getAttribute("agent")}"`, 'execution="exec-1" user="user-17"', ...(stand ? [stand] : [])];
  const source = new URL("agent-feedback.js", import.meta.url);
  const lines = [
    `<script type="module" src="${source}"></script>`,
    "",
    `<agent-output ${[...names, `endpoint="${location.origin}/api/learning/"`, ...attributes].join("\n  ")}>The answer.</agent-output>`,
    ...(rules.length ? ["", "/* in your style sheet */", "agent-output {", ...rules, "}"] : []),
  ];
  document.querySelector("#try-markup code").textContent = lines.join("\n");
}

function note({ type, detail }) {
  if (log.children.length === 1 && log.textContent === log.dataset.none) log.replaceChildren();
  const line = document.createElement("li");
  const { error, ...rest } = detail;
  line.textContent = `${type} ${JSON.stringify(error ? { ...rest, error: error.message } : rest)}`;
  log.append(line);
  log.scrollTop = log.scrollHeight;
}

if (form) {
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of EVENTS) document.addEventListener(name, note);
  form.elements.output.value = first;
  apply();
}
