/**
 * The style of every page, in the page itself: a folder opened by file:// has no server, and a policy that names its hash
 * allows no other. No rule loads anything.
 */
export const style = `
:root{color-scheme:light dark;--bg:#fff;--soft:#f5f7f9;--line:#d9dfe6;--text:#18202b;--quiet:#566273;--link:#0b57a4;
--ok:#17633a;--ok-bg:#e4f3e9;--warn:#774a00;--warn-bg:#fcf0da;--bad:#9c1c1c;--bad-bg:#fbe6e4}
@media(prefers-color-scheme:dark){:root{--bg:#11151b;--soft:#1a2029;--line:#303946;--text:#e4e9ef;--quiet:#9ba8b7;
--link:#82baf4;--ok:#92d8ab;--ok-bg:#173425;--warn:#f0c480;--warn-bg:#39290f;--bad:#f2a6a0;--bad-bg:#421c1a}}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;
-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--text);overflow-wrap:anywhere}
a{color:var(--link);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
h1,h2,h3,h4,h5,h6{line-height:1.25;margin:1.6em 0 .5em}
h1{font-size:1.75rem;letter-spacing:-.01em;margin:0}
h2{font-size:1.2rem}
h3{font-size:1.05rem}
h4,h5,h6{font-size:1rem}
p{margin:.6em 0}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace;font-size:.86em}
code{background:var(--soft);border-radius:4px;padding:.1em .3em}
pre{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;margin:.6rem 0;
overflow-x:auto;overflow-wrap:normal;line-height:1.5}
pre code{background:none;padding:0;font-size:1em}
.page{max-width:76rem;margin:0 auto;padding:0 1.5rem}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--bg);padding:.5rem 1rem;z-index:1}
.quiet{color:var(--quiet)}
.top{border-bottom:1px solid var(--line);padding:1.6rem 0 1.4rem}
.top p{color:var(--quiet);margin:.3rem 0 0;max-width:60rem}
.back{display:inline-block;font-size:.9rem;margin-bottom:.7rem}
footer{border-top:1px solid var(--line);margin-top:3rem;padding:1.2rem 0 2rem;font-size:.875rem;color:var(--quiet)}
.tags{display:flex;flex-wrap:wrap;gap:.35rem;margin:.6rem 0 0;padding:0;list-style:none}
.tag{font-size:.8rem;line-height:1.35;border:1px solid var(--line);border-radius:999px;padding:.1rem .6rem;
color:var(--quiet);background:var(--bg);max-width:100%}
.ok{color:var(--ok);background:var(--ok-bg);border-color:transparent}
.warn{color:var(--warn);background:var(--warn-bg);border-color:transparent}
.bad{color:var(--bad);background:var(--bad-bg);border-color:transparent}
.browse,.model{display:grid;gap:2rem;padding-top:1.6rem;align-items:start}
.browse{grid-template-columns:14rem minmax(0,1fr)}
.browse.plain{grid-template-columns:minmax(0,1fr)}
.model{grid-template-columns:minmax(0,1fr) 21rem}
label{font-size:.9rem}
input[type=search]{width:100%;font:inherit;color:inherit;background:var(--bg);border:1px solid var(--quiet);
border-radius:8px;padding:.5rem .75rem}
.find{display:flex;gap:.75rem;align-items:end;margin-bottom:1rem}
.find div{flex:1}
.find label{display:block;font-weight:600;margin-bottom:.25rem}
button{font:inherit;font-size:.875rem;color:var(--link);background:var(--bg);border:1px solid var(--line);
border-radius:8px;padding:.35rem .75rem;cursor:pointer}
button:hover{background:var(--soft)}
.find button{padding:.5rem .9rem;font-size:1rem}
.facets{position:sticky;top:1rem;max-height:calc(100vh - 2rem);overflow-y:auto}
.facets summary{font-weight:600;cursor:pointer}
fieldset{border:0;padding:0;margin:1.1rem 0 0;min-width:0}
legend{font-weight:600;font-size:.9rem;padding:0;margin-bottom:.3rem}
.options{max-height:15rem;overflow-y:auto;margin-left:-.25rem;padding-left:.25rem}
.options label{display:flex;gap:.5rem;align-items:baseline;padding:.12rem .25rem .12rem 0;cursor:pointer}
.options input{flex:none;margin:0;accent-color:var(--link);transform:translateY(.1em)}
.options span{margin-left:auto;color:var(--quiet);font-variant-numeric:tabular-nums;padding-left:.5rem}
.models{list-style:none;margin:0;padding:0;display:grid;gap:.8rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr))}
.models>li{position:relative;border:1px solid var(--line);border-radius:10px;padding:.9rem 1rem 1rem}
.models>li:hover{border-color:var(--link)}
.models h2{font-size:1.05rem;margin:0}
.models h2 a{text-decoration:none}
.models h2 a::after{content:"";position:absolute;inset:0}
.models h2 a:hover{text-decoration:underline}
.models p{margin:.25rem 0 0;font-size:.9rem;color:var(--quiet);display:-webkit-box;-webkit-line-clamp:2;
-webkit-box-orient:vertical;overflow:hidden}
.facts{border:1px solid var(--line);border-radius:10px;padding:.4rem 1.1rem 1rem;font-size:.9rem}
.facts h2{font-size:1rem;margin:.9rem 0 .2rem}
dl{margin:0}
dt{color:var(--quiet);font-size:.8rem;margin-top:.6rem}
dd{margin:0}
dd ul{margin:0;padding:0;list-style:none}
.digest{font-size:.78rem;word-break:break-all}
.model>div>h2:first-child{margin-top:0}
.facts .tag{display:inline-block}
.card>:first-child{margin-top:.8rem}
.code{display:flex;gap:.5rem;align-items:flex-start}
.code pre{flex:1;min-width:0}
.code button{margin-top:.6rem;padding:.25rem .6rem;font-size:.8rem;min-width:4.2rem}
.note{border-left:3px solid var(--line);padding:.1rem 0 .1rem .9rem;color:var(--quiet)}
.card{unicode-bidi:isolate;border-top:1px solid var(--line);padding-top:.4rem}
.card img{max-width:100%}
.card blockquote{margin:.8em 0;padding-left:1rem;border-left:3px solid var(--line);color:var(--quiet)}
.card hr{border:0;border-top:1px solid var(--line);margin:1.5rem 0}
.image{border:1px dashed var(--line);border-radius:6px;padding:.1rem .5rem;color:var(--quiet);font-size:.85rem}
.image::before{content:"Image: "}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-size:.9rem}
th,td{border:1px solid var(--line);padding:.35rem .65rem;text-align:left;vertical-align:top;overflow-wrap:normal}
th{background:var(--soft)}
.right{text-align:right}
.center{text-align:center}
@media(scripting:none){.models>li[hidden]{display:block!important}}
@media(max-width:52rem){.page{padding:0 1rem}.browse,.model{grid-template-columns:minmax(0,1fr);gap:1.2rem}
h1{font-size:1.45rem}.facts{grid-row:1}.facts dl{display:grid;grid-template-columns:6rem minmax(0,1fr);gap:.3rem .8rem}.facts dt{margin:.1rem 0 0}
.options label{padding-block:.35rem}.options{max-height:none}
.facets{position:static;max-height:none;border:1px solid var(--line);border-radius:10px;padding:.6rem 1rem}}
@media print{:root{color-scheme:light;--bg:#fff;--soft:#fff;--line:#bbb;--text:#000;--quiet:#333;--link:#000}
.facets,.find,.back,.skip,button{display:none!important}.browse,.model{display:block}
.models{display:block}.models>li{break-inside:avoid;margin-bottom:.6rem}
pre{white-space:pre-wrap}.facts{margin-bottom:1.2rem}html{font-size:11pt}}
`
  .trim()
  .replaceAll('\n', '');
