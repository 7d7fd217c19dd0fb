/** The look of the report's page. */
import { fontFamily } from './chart.ts'
import { paletteCss } from './palette.ts'

export const css = `${paletteCss}
*{box-sizing:border-box}
body{margin:0;padding:24px 16px 48px;background:var(--page);color:var(--text);font:15px/1.5 ${fontFamily}}
main{max-width:1120px;margin:0 auto}
h1{font-size:24px;margin:0 0 16px;overflow-wrap:anywhere}
h2{font-size:18px;margin:32px 0 12px}
h3{font-size:15px;margin:24px 0 8px}
.note{margin:0 0 8px;max-width:80ch}
.below{margin-top:16px}
.mistakes td{vertical-align:top}
.mistakes .text{min-width:220px;overflow-wrap:anywhere}
section>div,.facts>div{background:var(--background);border:1px solid var(--rule);border-radius:8px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px}
.facts>div{padding:10px 14px}
.facts b{display:block;font-size:22px;font-weight:600}
.facts span,th,.note{color:var(--muted)}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:16px}
.curves svg{width:100%;height:auto;display:block;border-radius:8px}
.scroll{overflow-x:auto;padding:8px}
.scroll svg{display:block}
.split{display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start}
.split>div{max-width:100%}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:4px 10px;text-align:left;border-top:1px solid var(--rule)}
.settings td{overflow-wrap:anywhere}
thead th,.settings tr:first-child>*{border-top:0}
th{font-weight:500}
thead th,.number{white-space:nowrap}
.number{text-align:right}
@media (max-width:600px){
.mistakes thead{display:none}
.mistakes tr{display:block;padding:8px 0;border-top:1px solid var(--rule)}
.mistakes tr:first-child{border-top:0}
.mistakes td{display:inline-block;border-top:0;padding:0 8px;overflow-wrap:anywhere}
.mistakes td[data-name]::before{content:attr(data-name) " ";color:var(--muted)}
.mistakes .text{display:block;min-width:0}
.below th,.below td{padding:4px 5px;font-size:13px;white-space:normal;vertical-align:bottom}}`
