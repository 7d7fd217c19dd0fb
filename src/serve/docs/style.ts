/** The look of `/docs`: the one of the page that `graft web` writes, light and dark. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#f7f7f4, #121413);
  --card: light-dark(#ffffff, #1a1d1b);
  --ink: light-dark(#1b1e1c, #e8ebe9);
  --soft: light-dark(#5a625d, #9ca69f);
  --line: light-dark(#deded8, #2e3330);
  --edge: light-dark(#868d88, #6d7671);
  --accent: light-dark(#1d6b4a, #7fd3a6);
  --on-accent: light-dark(#ffffff, #0d1f16);
  --tint: light-dark(#e6f1eb, #1f3129);
  --track: light-dark(#ecece7, #272b29);
  --danger: light-dark(#a3271c, #ff9c8f);
  --mono: ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace;
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  -webkit-text-size-adjust: 100%;
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 24px; }
body { margin: 0 auto; max-width: 1120px; padding: 40px 32px; background: var(--paper); color: var(--ink); }
h1, h2, h3, h4, p, ul, pre, dl, dd { margin: 0; padding: 0; }
h1 { font-size: 1.75rem; font-weight: 650; letter-spacing: -.022em; line-height: 1.2; }
h2 { font-size: 1.125rem; font-weight: 620; letter-spacing: -.01em; }
h3 { font-size: .8125rem; font-weight: 600; color: var(--soft); }
ul { list-style: none; }
a { color: var(--accent); }
code, pre, .path { font-family: var(--mono); font-size: .8125rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.note { color: var(--soft); font-size: .875rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; margin-bottom: 28px; }
header img { width: 32px; height: 32px; }
header .note { margin-left: auto; }
.layout { display: grid; grid-template-columns: 190px minmax(0, 1fr); gap: 40px; align-items: start; }
nav { position: sticky; top: 24px; font-size: .875rem; }
nav a { display: block; padding: 5px 0; color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--ink); text-decoration: underline; }
main, section, .call, form, .body { display: grid; grid-template-columns: minmax(0, 1fr); }
main { gap: 36px; }
section { gap: 10px; }
.intro { max-width: 68ch; display: grid; gap: 8px; }
.call { gap: 16px; padding: 22px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
form { gap: 14px; }
label { display: grid; gap: 5px; font-size: .875rem; font-weight: 550; }
.row { display: flex; flex-wrap: wrap; gap: 12px; align-items: end; }
.row label { flex: 1 1 180px; }
input, select, textarea, button { font: inherit; font-weight: 400; color: inherit; }
input, select, textarea {
  width: 100%; padding: 9px 11px; background: var(--paper); border: 1px solid var(--edge); border-radius: 8px;
}
textarea { min-height: 76px; resize: vertical; }
button { padding: 8px 16px; font-size: .9375rem; border: 1px solid var(--edge); border-radius: 8px; background: none; cursor: pointer; }
button.main { padding: 9px 18px; background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
.code { position: relative; }
.code button { position: absolute; top: 7px; right: 7px; padding: 3px 10px; font-size: .75rem; background: var(--card); }
pre {
  padding: 13px 15px; background: var(--track); border-radius: 8px; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; line-height: 1.55;
}
.code pre { padding-right: 76px; }
.result { display: grid; gap: 7px; }
.score { display: grid; grid-template-columns: minmax(0, 10rem) 1fr 4.2rem; gap: 12px; align-items: center; font-size: .9375rem; }
.score span { overflow-wrap: anywhere; }
.score span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
.score.has span, .answer { font-weight: 600; }
.bar { height: 8px; border-radius: 4px; background: var(--track); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); border-radius: 4px; }
.problem { color: var(--danger); }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
summary { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; padding: 12px 16px; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary .path { font-size: .875rem; overflow-wrap: anywhere; }
summary .note { margin-left: auto; }
details[open] summary { border-bottom: 1px solid var(--line); }
.method {
  min-width: 4.1rem; padding: 1px 8px; border-radius: 6px; background: var(--tint); color: var(--accent);
  font: 600 .75rem/1.7 var(--mono); text-align: center;
}
.method.delete { background: light-dark(#fbeae8, #3a1f1c); color: var(--danger); }
.body { gap: 14px; padding: 16px; }
.key { padding: 0 8px; border: 1px solid var(--edge); border-radius: 6px; font-size: .75rem; color: var(--soft); }
.fields { display: grid; gap: 0; }
.fields > div { display: grid; grid-template-columns: minmax(0, 17rem) minmax(0, 1fr); gap: 2px 18px; padding: 8px 0; border-top: 1px solid var(--line); }
.fields dt { overflow-wrap: anywhere; font-family: var(--mono); font-size: .8125rem; }
.fields dd { font-size: .875rem; }
.fields .type { color: var(--soft); font-family: var(--mono); font-size: .75rem; overflow-wrap: anywhere; }
.group { display: grid; gap: 6px; }
@media (max-width: 760px) {
  body { padding: 24px 16px; }
  .layout { grid-template-columns: minmax(0, 1fr); gap: 24px; }
  nav { position: static; display: flex; flex-wrap: wrap; gap: 0 16px; }
  header .note, summary .note { margin-left: 0; }
  summary .note { flex-basis: 100%; }
  .call { padding: 16px; }
  .fields > div { grid-template-columns: minmax(0, 1fr); }
  .score { grid-template-columns: minmax(0, 6.5rem) 1fr 3.9rem; gap: 8px; }
}
`
