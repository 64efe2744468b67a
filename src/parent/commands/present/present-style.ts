/**
 * What the live page adds to the report's style. Its first screen has a fixed place for everything, so that nothing jumps
 * on the projector; what does not fit is scrolled within its place.
 */
export const style = `
body{padding:0;max-width:none}
.screen{height:100vh;display:grid;grid-template-rows:auto auto minmax(0,1fr);padding:.7rem 1.6rem .8rem;gap:0}
.top{align-items:center;margin:0 0 .6rem;gap:1.2rem;border-bottom:1px solid var(--rule);padding-bottom:.55rem}
.top h1{font-size:1.25rem;font-weight:400;min-width:0;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.top h1 code{color:var(--soft);font-size:.8em;margin-left:.5em}
.top nav{margin-left:auto;display:flex;gap:.6rem;align-items:center;flex:none;font-size:.85rem}
#state{flex:none}
#state span{display:inline-block;padding:.18rem .8rem;border-radius:1rem;font-weight:600;background:var(--was-tint)}
#state .waits,#state .works{background:var(--new-tint);color:var(--new)}
#state .runs{background:var(--new-fill);color:var(--on-new)}
#state .failed{background:var(--failed-tint);color:var(--failed)}
#connection{background:var(--failed-tint);color:var(--failed);font-weight:600;border-radius:.4rem;padding:.4rem .9rem;margin:0 0 .6rem}
#connection[hidden]{display:none}
.menu{position:relative}
.menu summary{color:var(--ink);border:1px solid var(--rule);border-radius:.45rem;padding:.28rem .8rem}
.menu>div{position:absolute;right:0;z-index:5;width:min(42rem,80vw);max-height:70vh;overflow:auto;background:var(--panel);border:1px solid var(--was);border-radius:.5rem;margin-top:.3rem;padding:.4rem}
.menu ol{list-style:none;padding:0}
.menu a{display:flex;gap:.8rem;align-items:baseline;padding:.3rem .6rem;text-decoration:none;border-radius:.3rem;white-space:nowrap}
.menu a:hover,.menu a[aria-current=true]{background:var(--new-tint)}
.menu code{overflow:hidden;text-overflow:ellipsis;min-width:0;color:var(--soft)}
.menu i{font-style:normal;margin-left:auto}
.menu time{color:var(--soft)}

main{grid-row:3;display:grid;min-height:0;gap:.7rem 2.2rem;grid-template-columns:minmax(0,1fr) minmax(0,1fr);grid-template-rows:minmax(0,1fr) auto;grid-template-areas:"now namespaces" "steps steps"}
main>section{border:0;margin:0;padding:0}
main>section>p{margin-bottom:.5rem;max-width:none}
#now{grid-area:now;overflow:auto;scrollbar-width:thin}
#namespaces{grid-area:namespaces;overflow:auto;scrollbar-width:none}
#steps{grid-area:steps}
#now h2{font-size:1.55rem;line-height:1.2;margin:.1rem 0 .4rem}
#now .where{font-size:1rem;color:var(--new);font-weight:600;margin:0}
#now .why{font-size:1.02rem;line-height:1.42}
#now .shell{margin-bottom:.6rem}
.calls-now{list-style:none;padding:0;margin:0 0 .7rem;display:grid;grid-template-columns:max-content minmax(0,1fr);row-gap:.18rem}
.calls-now li{display:grid;grid-template-columns:subgrid;grid-column:1/-1;column-gap:.9rem;align-items:baseline;background:var(--tint);border-radius:.3rem;padding:.14rem .6rem}
.calls-now i{font-style:normal;color:var(--soft);font-size:.88rem}
.calls-now code{overflow-wrap:anywhere;font-size:.88rem}
.calls-now b{color:var(--new)}
.calls-now .failed b,#now .errno b{color:var(--failed)}
.just-done{border-top:1px solid var(--rule);padding-top:.45rem}
.just-done h3{font-size:1rem;color:var(--soft)}
.just-done h3 b{color:var(--new)}
.just-done small{font-weight:400}
.just-done tr:has(>.same){display:none}
.just-done thead{display:none}
.just-done .evidence{font-size:.85rem;margin:0}
#steps ol{list-style:none;padding:0;display:grid;grid-template-columns:repeat(4,minmax(0,1fr));grid-auto-flow:row;gap:.16rem 1rem;font-size:.82rem;line-height:1.3;border-top:1px solid var(--rule);padding-top:.5rem}
#steps li{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;padding:.1rem .5rem;border-radius:.3rem;color:var(--soft)}
#steps li span{display:inline-block;min-width:1.5em;font-weight:700}
#steps .done{color:var(--ink)}
#steps .done span{color:var(--new)}
#steps .current{background:var(--new-fill);color:var(--on-new);font-weight:600}
#steps .failed{background:var(--failed-tint);color:var(--failed);font-weight:600}
.namespaces{max-width:none;margin:0 .9rem .8rem;padding:0;row-gap:.42rem;grid-template-columns:minmax(8.2rem,1fr) minmax(8rem,1.1fr) 2.6rem minmax(8rem,1.1fr)}
#namespaces .kind{padding-right:.9rem}
#namespaces .kind small{display:block;font-size:.76rem;line-height:1.2;max-height:2.4em;overflow:hidden}
.below{padding:0 1.6rem 3rem;max-width:110rem;margin:0 auto}
.below>section{border-top:1px solid var(--rule);padding-top:.8rem;margin-top:2rem}
.below section:has(>div:empty){display:none}

.with-lesson main{grid-template-columns:minmax(0,5fr) minmax(0,6fr);grid-template-rows:minmax(0,11fr) auto auto;grid-template-areas:"lesson now" "lesson steps" "lesson namespaces"}
#lesson{grid-area:lesson;overflow:auto;scrollbar-width:thin;border-right:1px solid var(--rule);padding-right:1.6rem;line-height:1.45}
#lesson>section{border-left:.3rem solid transparent;padding-left:.9rem;margin:1.2rem 0 0 -.2rem}
#lesson>section[data-here]{border-left-color:var(--new-fill)}
#lesson :is(p,ul,ol,pre,details,table){margin:0 0 .7rem}
#lesson pre{background:var(--tint);border-radius:.4rem;padding:.5rem .8rem;white-space:pre-wrap;overflow-wrap:anywhere;font-family:var(--mono);font-size:.85rem}
#lesson pre b{color:var(--new);font-weight:600}
#lesson pre code{font-size:1em}
#lesson :is(th,td){text-align:left;padding:.1rem .8rem .1rem 0;vertical-align:top}
.with-lesson #steps ol{grid-template-columns:repeat(auto-fill,minmax(1.9rem,1fr));border:0;padding:0}
.with-lesson #steps li{font-size:0;text-align:center;background:var(--tint);padding:.15rem 0}
.with-lesson #steps li span{font-size:.82rem;min-width:0}
.with-lesson #steps .current{background:var(--new-fill)}
.with-lesson #steps .current span{color:var(--on-new)}
.with-lesson #steps .failed{background:var(--failed-tint)}
.with-lesson #namespaces>p{display:none}
.with-lesson .namespaces{row-gap:.26rem}
.with-lesson #namespaces .kind small{display:none}
.with-lesson .row:not(.heads)>:is(.host,.container,.both){min-height:1.75rem;padding:0 .7rem}
@media (max-height:56rem){
  #namespaces .kind small{display:none}
  .namespaces{row-gap:.28rem}
  .row:not(.heads)>:is(.host,.container,.both){min-height:2.1rem}
}
@media (max-width:52rem){
  .screen{height:auto}
  main,.with-lesson main{display:block}
  #lesson{border:0}
}
`;
