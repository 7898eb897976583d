/* The looks of <agent-feedback> and <agent-output>. A constructed sheet is allowed under style-src 'self'.
   What a host page may set is listed in docs/widget.md. */

export const sheet = new CSSStyleSheet();

sheet.replaceSync(`
:host { display: block; --accent: var(--agent-feedback-accent, light-dark(#1f5fbf, #82b1ff));
  --ink: var(--agent-feedback-text, light-dark(#18212d, #e6ebf2)); --muted: var(--agent-feedback-muted, light-dark(#55606f, #a3b0c0));
  --surface: var(--agent-feedback-surface, light-dark(#fff, #19202a)); --line: var(--agent-feedback-line, light-dark(#7b8796, #76859a));
  --good: var(--agent-feedback-good, light-dark(#17693a, #7ed6a0)); --bad: var(--agent-feedback-bad, light-dark(#b3261e, #ff9d94));
  --on-accent: var(--agent-feedback-on-accent, light-dark(#fff, #0c1a30)); --radius: var(--agent-feedback-radius, 6px);
  --gap: var(--agent-feedback-gap, 0.375rem); color: var(--ink); text-align: start;
  font-size: var(--agent-feedback-size, 0.875rem); font-family: var(--agent-feedback-font, inherit); line-height: 1.5; }
:host([hidden]), [hidden] { display: none !important; }
*, *::before { box-sizing: border-box; }
.bar, .row { display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap); }
button { display: inline-flex; align-items: center; justify-content: center; gap: 0.35rem; min-height: 2rem; min-width: 2rem;
  padding: 0.2rem 0.6rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); color: var(--ink);
  font: inherit; cursor: pointer; }
button:hover { border-color: var(--accent); color: var(--accent); }
button[aria-pressed="true"], button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button[aria-expanded="true"] { border-color: var(--accent); }
button[aria-disabled="true"] { opacity: 0.65; cursor: not-allowed; }
button.link { border-color: transparent; background: none; color: var(--accent); text-decoration: underline; }
:is(button, textarea):focus-visible, input:focus-visible + span { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { width: 1.1rem; height: 1.1rem; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linejoin: round; flex: none; }
[aria-pressed="true"] svg { fill: currentColor; fill-opacity: 0.3; }
.status, .muted { color: var(--muted); }
.status, .muted, .problem, legend, .label, summary { unicode-bidi: plaintext; text-align: match-parent; }
.status { min-height: 1.5em; }
.muted { margin: 0 0 0.4rem; }
.panel { display: grid; gap: 0.6rem; margin-block-start: 0.5rem; padding: 0.75rem;
  border: 1px solid color-mix(in srgb, var(--line) 45%, transparent); border-radius: var(--radius); background: var(--surface);
  max-width: 44rem; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend, .label { padding: 0; font-weight: 600; display: block; margin-block-end: 0.2rem; }
textarea { width: 100%; min-height: 4.5rem; padding: 0.4rem 0.6rem; border: 1px solid var(--line); border-radius: var(--radius);
  background: var(--surface); color: var(--ink); font: inherit; resize: vertical; field-sizing: content; max-height: 24rem; }
.hide, .stars input, .chips input, .scale input { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.stars label, .chips label, .scale label { position: relative; cursor: pointer; }
.stars .row { gap: 0; }
.stars label > span { display: inline-flex; padding: 0.25rem; border-radius: 4px; color: var(--line); }
.stars label.on > span { color: var(--accent); }
.stars label.on svg { fill: currentColor; }
.stars svg { width: 1.4rem; height: 1.4rem; }
.chips label > span { display: inline-block; padding: 0.1rem 0.6rem; border: 1px solid var(--line); border-radius: 999px; }
.chips input:checked + span { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.chips input:checked + span::before { content: "\\2713\\00a0"; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0.6rem; }
summary { cursor: pointer; font-weight: 600; padding-block: 0.15rem; }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scale label > span { display: inline-block; min-width: 2rem; padding: 0.1rem 0; text-align: center; border: 1px solid var(--line);
  border-radius: var(--radius); }
.scale input:checked + span { border-color: var(--accent); background: var(--accent); color: var(--on-accent); font-weight: 600; }
.diff:empty { display: none; }
.diff { white-space: pre-wrap; overflow-wrap: anywhere; padding-inline-start: 0.6rem; border-inline-start: 3px solid var(--line); }
ins { color: var(--good); text-decoration: underline 2px; text-underline-offset: 0.2em; }
del { color: var(--bad); text-decoration: line-through; }
.problem { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem; margin-block-start: 0.5rem; color: var(--bad); font-weight: 600; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin-block-end: 0.5rem; }
@media (pointer: coarse) { button { min-height: 2.5rem; min-width: 2.5rem; } textarea { font-size: 1rem; } }
@media (prefers-reduced-motion: no-preference) {
  button, label > span { transition: color 120ms, background-color 120ms, border-color 120ms; } }
@media (forced-colors: active) { button[aria-pressed="true"] { border-width: 3px; } .stars label.on svg { fill: Highlight; } }
`);
