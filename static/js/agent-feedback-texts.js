/* What <agent-feedback> says, in English and in the languages that pages add. */

const en = {
  group: "Feedback on this answer",
  up: "Good answer",
  down: "Bad answer",
  correct: "Correct it",
  more: "Say more",
  rating: "How good was the answer?",
  star: (count) => `${count} ${count === 1 ? "star" : "stars"}`,
  dimensions: "Rate in detail",
  scale: "1 is poor, 5 is very good.",
  accuracy: "Accuracy",
  helpfulness: "Helpfulness",
  clarity: "Clarity",
  completeness: "Completeness",
  issues: "Anything wrong with it?",
  issue: {
    incorrect: "Incorrect",
    incomplete: "Incomplete",
    unclear: "Unclear",
    irrelevant: "Irrelevant",
    hallucination: "Made up",
    outdated: "Outdated",
    tone: "Tone",
    formatting: "Formatting",
    unsafe: "Unsafe",
    other: "Other",
  },
  comment: "Comment",
  better: "A better answer",
  changes: "Your changes",
  count: (removed, added) => `${removed} removed, ${added} added`,
  send: "Send",
  sendCorrection: "Send correction",
  close: "Close",
  sending: "Sending…",
  thanks: "Thank you.",
  thanksCorrection: "Thank you. Your correction was sent.",
  kept: "Not sent yet. It is kept on this device and will be sent when the connection is back.",
  tryNow: "Try now",
  nothing: "Choose stars or an issue, or write a comment first.",
  unchanged: "Change the answer first.",
  expired: "The time for feedback on this answer is over. Load the page again.",
  already: "You have said this already.",
  notAllowed: "This page may not send feedback.",
  full: "It could not be sent. Try again later.",
  refused: (reason) => reason,
};

const languages = { en };
const shipped = { de: () => import("./agent-feedback-texts-de.js") };

/** Adds a language, or changes single texts of one. */
export function addTexts(lang, texts) {
  languages[lang.toLowerCase()] = { ...languages[lang.toLowerCase()], ...texts };
}

/** A promise when the language has to be loaded first. */
export function loadTexts(element) {
  const lang = known(element, { ...shipped, ...languages });
  if (languages[lang]) return undefined;
  return shipped[lang]().then((file) => (languages[lang] ??= file.default), () => delete shipped[lang]);
}

/** Its own texts, then those of the language around it, then English. */
export function textsFor(element) {
  const lang = known(element, languages);
  const own = element.texts ?? {};
  const issue = { ...en.issue, ...languages[lang].issue, ...own.issue };
  return { ...en, ...languages[lang], ...own, issue, lang };
}

function known(element, among) {
  const wanted = languageAround(element).toLowerCase();
  return [wanted, wanted.split("-")[0]].find((one) => Object.hasOwn(among, one)) ?? "en";
}

/** The nearest `lang`, through shadow roots; else what the browser prefers. */
function languageAround(element) {
  for (let one = element; one; one = one.getRootNode().host) {
    const named = one.closest("[lang]");
    if (named?.lang) return named.lang;
  }
  return navigator.language ?? "en";
}

/** An organization's own categories are named after their key. */
export function issueName(texts, category) {
  const words = category.replaceAll(/[_-]+/g, " ");
  return texts.issue[category] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
