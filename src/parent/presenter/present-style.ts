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

main{grid-row:3;display:grid;min-height:0;gap:.55rem 1.6rem;grid-template-columns:minmax(0,13fr) minmax(0,10fr);grid-template-rows:minmax(0,12fr) minmax(0,9fr) auto;grid-template-areas:"picture namespaces" "now now" "steps steps"}
main>section{border:0;margin:0;padding:0;min-height:0}
main>section>p{margin-bottom:.5rem;max-width:none}
#picture{grid-area:picture}
#now{grid-area:now;overflow:hidden}
#namespaces{grid-area:namespaces;overflow:hidden}
#steps{grid-area:steps}

/* Who is there (process-picture.ts) */
.picture{display:block;width:100%;height:100%}
.picture text{font:600 22px var(--sans);fill:var(--ink)}
.picture rect.side{fill:none;stroke:var(--was);stroke-width:2.5}
.picture rect.side.new{stroke:var(--new-fill)}
.picture rect.unmade{stroke:var(--was)!important;stroke-dasharray:9 8}
.picture text.side{font-size:25px;fill:var(--soft)}
.picture text.side.new{fill:var(--new)}
.picture .link{fill:none;stroke:var(--was);stroke-width:3.5}
.picture text.link{font:600 21px var(--mono);fill:var(--soft);stroke:none}
.picture .link.coming{stroke-dasharray:8 7}
.picture .others{font-weight:400;fill:var(--soft)}
.process rect{fill:var(--was-fill)}
.process .name{font-size:38px}
.process .id{font-size:22px;font-weight:400}
.process:is(.here,.runs,.failed) text{fill:var(--on-was)}
.process.new:is(.here,.runs) rect{fill:var(--new-fill)}
.process.new:is(.here,.runs) text{fill:var(--on-new)}
.process.failed rect{fill:var(--failed-fill)}
.process.failed text{fill:var(--on-new)}
.process.past rect{fill:var(--tint);stroke:var(--was);stroke-width:2}
.process.past text{fill:var(--soft)}
.process.coming rect{fill:var(--new-tint);stroke:var(--new-fill);stroke-width:3;stroke-dasharray:9 8}
.process.coming text{fill:var(--new)}
.process.acts rect{stroke:var(--ink);stroke-width:5}
#picture .inside{font-weight:700}

/* What is done (now.ts): the script hides whole rows that have no room, and says so. */
#now{border-top:1px solid var(--rule);padding-top:.5rem;display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:.1rem 1.6rem;align-items:start;align-content:start}
#now>:not(div){grid-column:1/-1}
#now h2{font-size:1.55rem;line-height:1.15;margin:0 0 .2rem}
#now .where{font-size:1rem;color:var(--new);font-weight:600;margin:0}
#now .why{font-size:1rem;line-height:1.32;margin:0}
#now .shell{margin:.2rem 0 0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
#now .shell span{display:none}
.calls-now{list-style:none;padding:0;margin:0}
.calls-now li{display:grid;grid-template-columns:4.6rem minmax(0,1fr);column-gap:.7rem;align-items:baseline;background:var(--tint);border-radius:.3rem;padding:.06rem .6rem;margin-bottom:.16rem}
.calls-now i{font-style:normal;color:var(--soft);font-size:.88rem}
.calls-now code{font-size:.84rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.calls-now .failed code{white-space:normal;overflow-wrap:anywhere}
.calls-now b{color:var(--new)}
.calls-now .failed b,#now .errno b{color:var(--failed)}
.calls-now .more{display:block;background:none}
.more,.just-done .more td{color:var(--soft);font:400 .88rem var(--sans);border:0}
#now [hidden]{display:none!important}
.just-done{padding-top:.2rem}
.just-done h3{font-size:1rem;color:var(--soft)}
.just-done h3 b{color:var(--new)}
.just-done .summary{color:var(--new);font-weight:600;font-size:1.05rem}
.just-done small{font-weight:400}
.just-done tr:has(>.same){display:none}
.just-done thead{display:none}
.just-done .evidence{font-size:.85rem;margin:0}
#others:empty{display:none}
#others a{background:var(--was-tint);border-radius:1rem;padding:.2rem .8rem;text-decoration:none}
#steps ol{list-style:none;padding:0;display:grid;grid-template-columns:repeat(4,minmax(0,1fr));grid-auto-flow:row;gap:.1rem 1rem;font-size:.8rem;line-height:1.25;border-top:1px solid var(--rule);padding-top:.4rem}
#steps li{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;padding:.06rem .5rem;border-radius:.3rem;color:var(--soft)}
#steps li span{display:inline-block;min-width:1.5em;font-weight:700}
#steps .done{color:var(--ink)}
#steps .done span{color:var(--new)}
#steps .current{background:var(--new-fill);color:var(--on-new);font-weight:600}
#steps .failed{background:var(--failed-tint);color:var(--failed);font-weight:600}
body:not([data-moments="0"]) #steps li{cursor:pointer}
#namespaces>p{display:none}
#namespaces .absent{display:block}
#namespaces .kind small{display:none}
.namespaces{max-width:none;height:100%;margin:0;padding:0 .5rem .5rem 0;row-gap:.2rem;grid-template-columns:minmax(4.9rem,1fr) minmax(6.2rem,1.5fr) 1.4rem minmax(6.2rem,1.5fr);grid-template-rows:auto repeat(8,minmax(0,1fr))}
.namespaces::before,.namespaces::after{inset:0 -.4rem 0}
.heads .kind{visibility:hidden}
.row:not(.heads)>:is(.host,.container,.both){min-height:0;height:100%;padding:0 .6rem;max-height:2.4rem}
.namespaces code{font-size:.86rem}
.namespaces i{font-size:.8rem}
.both code:first-child,.both code:last-child{width:calc(50% - .6rem)}
.below{padding:0 1.6rem 3rem;max-width:110rem;margin:0 auto}
.below>section{border-top:1px solid var(--rule);padding-top:.8rem;margin-top:2rem}
.below section:has(>div:empty){display:none}

.with-lesson main{grid-template-columns:minmax(0,10fr) minmax(0,10fr) minmax(0,8fr);grid-template-rows:minmax(0,9fr) minmax(0,11fr) auto;grid-template-areas:"lesson picture namespaces" "lesson now now" "lesson steps steps"}
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
.with-lesson #now{grid-template-columns:minmax(0,1fr)}
.with-lesson .namespaces{grid-template-columns:minmax(3.9rem,1fr) minmax(5.2rem,1.3fr) .8rem minmax(5.2rem,1.3fr)}
.with-lesson .namespaces code{font-size:.72rem}
.with-lesson .namespaces .kind b{font-size:.85rem}
.with-lesson .namespaces :is(.container,.both) i{display:none}
@media (max-width:52rem){
  .screen{height:auto}
  main,.with-lesson main{display:block}
  #lesson{border:0}
}
`;
