/**
 * The page's style. One visual language throughout: grey is what was there before (on the host, or shared), blue is what is new
 * (in the container), red is what failed; each differs in shape or word too. Every pair of ink and ground used for text
 * has a contrast of 4.5 or more, light and dark.
 */
export const style = `
:root{
  color-scheme:light dark;
  --paper:light-dark(#fcfbf8,#14171c);
  --panel:light-dark(#ffffff,#1b1f26);
  --tint:light-dark(#f1efe9,#20252d);
  --rule:light-dark(#dcd8ce,#363d48);
  --ink:light-dark(#1b2027,#eceae5);
  --soft:light-dark(#59606b,#a9b0bb);
  --was:light-dark(#767d88,#7f8894);
  --was-tint:light-dark(#e7e5df,#2c323b);
  --new:light-dark(#0a52c4,#8dbbff);
  --new-fill:light-dark(#1a5fd0,#8dbbff);
  --new-tint:light-dark(#e0ebfd,#1d3355);
  --on-new:light-dark(#ffffff,#0d1522);
  --on-was:light-dark(#ffffff,#0f1216);
  --was-fill:light-dark(#666d78,#9aa3af);
  --failed:light-dark(#b3170d,#ff9c8f);
  --failed-fill:light-dark(#c4210f,#ff9c8f);
  --failed-tint:light-dark(#fde8e4,#47201c);
  --sans:"Inter","Source Sans 3","Segoe UI","Helvetica Neue",Arial,"Liberation Sans",sans-serif;
  --mono:"JetBrains Mono","SF Mono","Cascadia Mono",Menlo,Consolas,"Liberation Mono",monospace;
}
:root[data-theme=light]{color-scheme:light}
:root[data-theme=dark]{color-scheme:dark}
*{box-sizing:border-box}
html{font:400 clamp(16px,.55rem + .72vw,26px)/1.5 var(--sans);background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.1rem clamp(1rem,3vw,4rem) 3rem;max-width:110rem}
h1,h2,h3,p,dl,dd,ol,ul,figure{margin:0}
h1{font-size:1.6rem;line-height:1.2;font-weight:600;letter-spacing:-.015em;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1.3rem;line-height:1.3;font-weight:600;letter-spacing:-.01em}
h3{font-size:1.1rem;line-height:1.35;font-weight:600}
code,kbd{font-family:var(--mono);font-size:.92em}
h1 code{font-weight:500;font-size:.94em;color:var(--new)}
a{color:inherit;text-decoration-color:var(--was);text-underline-offset:.18em}
:focus-visible{outline:3px solid var(--new);outline-offset:2px;border-radius:4px}
button{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--rule);border-radius:.45rem;padding:.3rem .8rem;cursor:pointer;min-height:2rem}
button:hover{border-color:var(--was)}
.top{display:flex;gap:1.5rem;justify-content:space-between;align-items:flex-start;margin-bottom:.8rem}
.eyebrow,.where{font-size:.82rem;color:var(--soft);letter-spacing:.01em}
.facts{color:var(--soft);margin-top:.25rem}
.theme{flex:none;white-space:nowrap}
.theme::before{content:"";display:inline-block;width:.75em;height:.75em;border-radius:50%;border:2px solid currentColor;margin-right:.5em;vertical-align:-.06em;background:linear-gradient(90deg,currentColor 50%,transparent 50%)}
.theme[aria-pressed=true]{background:var(--new-tint);border-color:var(--new)}
html:not(.live) :is(.theme,.walk){display:none}
section.failure{background:var(--failed-tint);border-left:.4rem solid var(--failed-fill);padding:.8rem 1.1rem;border-radius:.3rem;margin-bottom:1.1rem;overflow-wrap:anywhere}
section.failure p{margin:0}
section.failure p:first-child{color:var(--failed);font-weight:600}
.lacks{border-left:.4rem solid var(--was);background:var(--tint);padding:.6rem 1rem;margin-bottom:1rem}
main>section{border-top:1px solid var(--rule);padding-top:.8rem;margin-top:2.2rem}
main>section:first-child{margin-top:0}
main>section>h2{margin-bottom:.35rem}
section>p{max-width:62rem;margin-bottom:1rem}
.note,.absent{color:var(--soft);font-size:.9rem}
.new{color:var(--new)}
strong{font-weight:600}
.title{display:flex;flex-wrap:wrap;gap:.3rem 2rem;align-items:center;justify-content:space-between;margin-bottom:.6rem}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;padding:0;font-size:.85rem;color:var(--soft)}
.under{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.2rem 2rem;margin:.1rem 0 .7rem}
.under .note{font-size:.8rem}
.legend li::before{content:"";display:inline-block;width:1.15em;height:.8em;border-radius:.2em;margin-right:.45em;vertical-align:-.05em;background:var(--was-fill)}
.legend .new::before{background:var(--new-fill)}
.legend .new{color:inherit}
.legend .waits::before{background:var(--panel);border:2px solid var(--was-fill)}
.legend .failed::before{background:var(--failed-fill)}

/* The drawing (lanes.ts) */
.lanes-scroll{overflow-x:auto;padding:3px 0}
.lanes{display:grid;align-items:start}
.lanes svg{display:block;width:100%;height:auto}
.tree{position:sticky;left:0;background:var(--paper);z-index:1}
.lanes text{font:14.5px var(--mono);fill:var(--ink)}
.tree .actor{font:600 19px var(--sans)}
.tree .process{font:14.5px var(--sans);fill:var(--soft)}
.tree .new{fill:var(--new)}
.branch,.made{fill:none;stroke:var(--was);stroke-width:1.5}
.made.same{stroke-dasharray:4 3}
.life{stroke:var(--was);stroke-width:1.5}
.life.new{stroke:var(--new-fill)}
.runs{fill:var(--new-tint)}
.lanes text.runs{fill:var(--new);font:600 14.5px var(--sans)}
.band .ground{fill:var(--tint);fill-opacity:.75}
.band .head{fill:var(--was-tint)}
.band text{font:14.5px var(--sans)}
.band .number{font-weight:700}
.band:hover .head{fill:var(--rule)}
.band.around .ground{fill:var(--was-tint);fill-opacity:1}
.band.chosen .head{fill:var(--ink)}
.band.chosen text{fill:var(--paper)}
.band.failed .head{fill:var(--failed-tint);stroke:var(--failed-fill);stroke-width:1.5}
.band.failed text{fill:var(--failed)}
.band.failed.chosen .head{fill:var(--failed-fill)}
.band.failed.chosen text{fill:var(--on-new)}
.lanes a{text-decoration:none;cursor:pointer}
.lanes a:focus{outline:none}
.reach{fill:transparent}
.watched{min-width:48rem;width:100%}
.watched text{font:600 15px var(--sans);fill:var(--ink)}
.watched text.new{fill:var(--new)}
.watched .mark{fill:var(--was-fill)}
.watched .mark.new{fill:var(--new-fill)}
.watched .mark.failed{fill:var(--failed-fill)}
.used{display:block;width:100%;min-width:48rem;height:auto}
.used text{font:14.5px var(--sans);fill:var(--soft)}
.used .name{font:600 15px var(--sans);fill:var(--ink)}
.used .axis{stroke:var(--was);stroke-width:1.5}
.used .area{fill:var(--new-tint)}
.used .curve{fill:none;stroke:var(--new-fill);stroke-width:2;stroke-linejoin:round}
.used .limit{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:7 4}
.used text.limit{stroke:none}
.hit{color:var(--failed)}
.bar{fill:var(--was-fill)}
.call text{fill:var(--on-was)}
.call.new .bar{fill:var(--new-fill)}
.call.new text{fill:var(--on-new)}
.call.small .bar{opacity:.82}
.call.waits .bar{fill:var(--panel);stroke:var(--was-fill);stroke-width:1.5}
.call.waits.new .bar{stroke:var(--new-fill)}
.call.failed .bar{fill:var(--failed-fill);opacity:1}
.call.failed text{fill:var(--on-new)}
.call text.errno{fill:var(--failed);font:700 14px var(--mono)}
.call:hover .bar{stroke:var(--ink);stroke-width:1.5}
.call.chosen .bar{stroke:var(--ink);stroke-width:3;opacity:1;paint-order:stroke}
.call:focus-visible .reach{stroke:var(--new);stroke-width:2.5;stroke-dasharray:none;rx:5}
.band:focus-visible .head{stroke:var(--new);stroke-width:3}
.axis,.arrow,path.wait{stroke:var(--was);stroke-width:1.5;fill:none}
.lanes text.wait{font:14px var(--sans);fill:var(--soft)}

/* What is chosen (details.ts) */
.walk{display:flex;flex-wrap:wrap;gap:.45rem;align-items:center}
.keys{color:var(--soft);font-size:.85rem;margin-right:.6rem}
kbd{border:1px solid var(--rule);border-bottom-width:2px;border-radius:.25rem;padding:0 .35em;background:var(--panel);margin-left:.5em}
kbd+kbd{margin-left:0}
.details{background:var(--panel);border:1px solid var(--rule);border-radius:.6rem;min-height:15rem}
.details article{display:none;grid-template-columns:minmax(0,1.15fr) minmax(0,1fr);gap:.8rem 2.5rem;padding:1rem 1.4rem 1.2rem}
.details article.chosen{display:grid}
html:not(.live) .details:has(:target) .chosen{display:none}
html:not(.live) .details article:target{display:grid}
.details h3{font-size:1.3rem;font-weight:400;overflow-wrap:anywhere}
.details article[id^=step] h3{font-weight:600}
.details h3 b{font-weight:700}
.details h3 i{color:var(--soft);font-style:normal}
.details .result{white-space:nowrap;color:var(--new)}
.details .failed .result,.details .errno b{color:var(--failed)}
.errno{background:var(--failed-tint);border-radius:.3rem;padding:.5rem .8rem;margin-top:.6rem}
.errno::first-letter{text-transform:none}
.does{margin-top:.3rem}
.details dl>div{display:grid;grid-template-columns:minmax(5.5rem,max-content) 1fr;gap:.9rem;padding:.22rem 0}
.details .arguments{margin-top:.6rem}
.details .arguments>div{grid-template-columns:8.2rem 1fr;border-top:1px solid var(--rule);padding:.3rem 0}
dt{color:var(--soft)}
.arguments dt{font-family:var(--mono);font-size:.92em}
dd{overflow-wrap:anywhere;white-space:pre-wrap}
.about{font-size:.94rem}
.details .evidence{grid-column:1/-1}

/* Evidence (evidence-diff.ts) */
.evidence{border-collapse:collapse;width:100%;table-layout:fixed;font-size:.92rem;margin-top:.3rem}
.evidence th,.evidence td{text-align:left;vertical-align:top;padding:.28rem .7rem;border-top:1px solid var(--rule);overflow-wrap:anywhere}
.evidence th:first-child{width:21%;padding-left:0}
.evidence thead th{border:0;color:var(--soft);font-weight:400;font-size:.85rem}
.evidence th[scope=row]{font-weight:400}
.evidence td{font-family:var(--mono);font-size:.92em}
.evidence ul{list-style:none;padding:0}
.evidence i{font-family:var(--sans);color:var(--soft);font-style:normal}
.same,.kept{color:var(--soft)}
.kept{padding-left:1.5rem}
del,ins{text-decoration:none;display:block;border-radius:.25rem;padding:0 .45rem 0 1.5rem;position:relative}
del{background:var(--was-tint)}
ins{background:var(--new-tint);color:var(--new);font-weight:600}
del::before,ins::before{position:absolute;left:.5rem}
del::before{content:"−"}
ins::before{content:"+"}
.evidence details{white-space:pre-wrap}
summary{cursor:pointer;color:var(--soft);font-family:var(--sans);width:fit-content}

/* Namespaces (namespace-picture.ts) */
.namespaces{display:grid;grid-template-columns:minmax(10rem,1.1fr) 1fr 3.5rem 1fr;row-gap:.5rem;position:relative;max-width:78rem;padding-right:.9rem;margin-bottom:.8rem}
.row{display:grid;grid-template-columns:subgrid;grid-column:1/-1;align-items:center;position:relative;z-index:1}
.namespaces::before,.namespaces::after{content:"";position:absolute;inset:0 -.8rem -.7rem;border-radius:.8rem}
.namespaces::before{grid-column:2/3;border:2px solid var(--was)}
.namespaces::after{grid-column:4/5;border:2px solid var(--new-fill)}
.kind{padding-right:1.6rem;line-height:1.25}
.kind b{display:block;font-weight:600}
.kind small{color:var(--soft);font-size:.8rem}
.heads{font-size:.95rem;font-weight:600}
.heads .kind{font-weight:400;color:var(--soft);font-size:.85rem}
.heads .host{grid-column:2;text-align:center;padding:.2rem}
.heads .container{grid-column:4;text-align:center;color:var(--new);padding:.2rem}
.row:not(.heads)>:is(.host,.container,.both){display:flex;gap:.6rem;justify-content:center;align-items:center;min-height:2.3rem;border-radius:.45rem;padding:.15rem .7rem}
.row>.host{grid-column:2;background:var(--was-tint)}
.row>.container{grid-column:4;background:var(--new-fill);color:var(--on-new)}
.row>.both{grid-column:2/-1;background:var(--was-tint);border:2px solid var(--was);justify-content:space-between!important}
.heads>:is(.host,.container){background:none}
.heads>.container{color:var(--new)}
.row>.container.none{background:none;border:2px dashed var(--was);color:var(--soft)}
.both code:first-child,.both code:last-child{width:calc(50% - 1.75rem);text-align:center}
.namespaces i{font-style:normal;font-size:.85rem}

/* ID maps (id-map-picture.ts) */
.id-maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem 3rem}
figcaption{font-weight:600}
figcaption code{font-weight:400;color:var(--soft);margin-left:.4rem}
.id-maps svg{display:block;width:100%;height:auto;max-height:20rem}
.id-maps text{font:17px var(--mono);fill:var(--ink)}
.id-maps .place{font:15px var(--sans);fill:var(--soft)}
.id-maps .new{fill:var(--new)}
.id-maps .id{font-weight:700}
.id-maps .line{fill:none;stroke:var(--was);stroke-width:1.5}
.joined{fill:var(--new-tint);stroke:var(--new-fill);stroke-opacity:.45}
.id-maps .outside{fill:var(--was-fill)}
.id-maps .inside{fill:var(--new-fill)}

/* Steps (step-list.ts) */
.steps{list-style:none;padding:0}
.step{border-top:1px solid var(--rule);padding:1.1rem 0 1.3rem;display:grid;grid-template-columns:2.6rem minmax(0,1fr);row-gap:.45rem}
.step>*{grid-column:2}
.step>header{grid-column:1/-1;display:grid;grid-template-columns:2.6rem 1fr auto;align-items:baseline}
.number{font-weight:700}
.step .number{font-size:1.1rem;color:var(--soft)}
.state{color:var(--soft);font-size:.9rem;white-space:nowrap}
.why{max-width:62rem}
.shell code{overflow-wrap:anywhere}
.shell>code{background:var(--tint);border-radius:.3rem;padding:.15rem .5rem;box-decoration-break:clone;-webkit-box-decoration-break:clone}
.shell>code::before{content:"$ ";color:var(--soft)}
.shell span{color:var(--soft);font-size:.85rem;margin-left:.6rem}
.step.failed{border-top:2px solid var(--failed-fill)}
.step.failed :is(.number,.state){color:var(--failed);font-weight:700}
p.failure{background:var(--failed-tint);border-radius:.3rem;padding:.5rem .8rem;overflow-wrap:anywhere}
.step.not-reached{color:var(--soft)}
.calls{margin-top:.2rem}
.calls table{border-collapse:collapse;width:100%;font-size:.9rem;margin-top:.2rem}
.calls :is(td,th){text-align:left;vertical-align:top;padding:.12rem .9rem .12rem 0;overflow-wrap:anywhere;font-weight:400;white-space:normal}
.calls thead{display:none}
.calls td:first-child{width:6rem;color:var(--soft)}
.calls td:last-child{width:6rem;text-align:right;color:var(--soft);white-space:nowrap;padding-right:0}
.calls a{text-decoration:none}
.calls a:hover{text-decoration:underline}
.calls .failed code{color:var(--failed);font-weight:600}
.stepless{border-top:1px solid var(--rule);padding-top:1rem}
footer{margin-top:2.5rem;border-top:1px solid var(--rule);padding-top:.8rem;color:var(--soft);font-size:.85rem}

@media (max-width:52rem){
  .top{flex-direction:column-reverse;gap:.5rem}
  .top .theme{align-self:flex-end}
  .keys{display:none}
  .details article{grid-template-columns:minmax(0,1fr);padding:.9rem 1rem}
  .details .arguments>div{grid-template-columns:6.5rem 1fr}
  .namespaces{grid-template-columns:0 1fr 1.4rem 1fr;padding:0 .5rem}
  .kind{grid-column:1/-1;padding:.3rem 0 .15rem}
  .heads .kind{display:none}
  .namespaces::before,.namespaces::after{display:none}
  .evidence,.evidence tbody,.evidence tr,.evidence td,.evidence th[scope=row]{display:block;width:auto!important}
  .evidence thead{display:none}
  .evidence td{border:0;padding:.12rem 0}
  .evidence th[scope=row]{padding:.4rem 0 .1rem}
  .step,.step>header{grid-template-columns:1.8rem minmax(0,1fr)}
  .step>*{grid-column:1/-1}
  .step .state{grid-column:2}
  .shell span{display:block;margin:.2rem 0 0}
  .calls tr{display:grid;grid-template-columns:1fr auto;padding:.2rem 0}
  .calls td:nth-child(2){grid-column:1/-1;grid-row:2}
}
@media print{
  :root,:root[data-theme]{color-scheme:light;--paper:#fff}
  html{font-size:10pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
  body{padding:0;max-width:none}
  .theme,.walk,.details{display:none!important}
  .lanes-scroll{overflow:visible}
  .lanes{min-width:0!important}
  .tree{position:static}
  .step,figure,.row{break-inside:avoid}
  h2,h3{break-after:avoid}
  .call.chosen .bar{stroke:none}
}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media (forced-colors:active){.bar,.ground,.head,del,ins{forced-color-adjust:none}}
`;
