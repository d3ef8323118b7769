"""How the page looks: on a desk, on a phone, in the dark and on paper."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root{--ink:#1c2430;--soft:#556070;--paper:#fff;--panel:#f5f7f9;--line:#d8dee5;--scores:#5b7c99;
--alarm:#b3400f;--cut:#1c2430;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaef;--soft:#a7b1bd;--paper:#14181d;--panel:#1d232a;
--line:#36404b;--scores:#7fa3c4;--alarm:#ff8a55;--cut:#e6eaef}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:24px 20px 56px;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:0 0 4px;line-height:1.25}
h2{font-size:1.2rem;margin:40px 0 8px;padding-top:16px;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:24px 0 2px}.devices h3{margin-top:0}
td:last-child:not(.n){min-width:260px}
p{margin:4px 0 12px;max-width:74ch}
.soft,caption{color:var(--soft)}
dl.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0 0}
dl.tiles div{background:var(--panel);border-radius:8px;padding:12px 14px}
dl.tiles dt{color:var(--soft);font-size:.875rem}
dl.tiles dd{margin:0;font-size:1.45rem;font-variant-numeric:tabular-nums;line-height:1.3}
dl.tiles dd small{display:block;font-size:.875rem;color:var(--soft)}
figure{margin:8px 0 20px}
figcaption{display:flex;justify-content:space-between;gap:12px;color:var(--soft);font-size:.875rem}
.chart{display:block;width:100%;height:170px;background:var(--panel);border-radius:6px}
.devices{display:grid;align-items:end;
grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:16px 24px}
.devices .chart{height:90px}.devices figure{margin:0}
.axis{stroke:var(--line);fill:none;vector-effect:non-scaling-stroke}
.scores{stroke:var(--scores);fill:none}.alarms{stroke:var(--alarm);fill:none}
.cut{stroke:var(--cut);fill:none;stroke-dasharray:4 3;vector-effect:non-scaling-stroke}
.key span{display:inline-block;margin-right:16px}
.key i{display:inline-block;width:14px;height:10px;margin-right:6px}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
caption{text-align:left;padding:0 0 6px;font-size:.875rem}
th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid var(--line)}
th{font-weight:600}thead th{color:var(--soft);font-size:.875rem}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.bar{width:30%;min-width:80px}td.bar svg{display:block;width:100%;height:12px;margin-top:6px}
td.bar rect{fill:var(--alarm)}
ul.reasons{margin:0;padding:0;list-style:none}
.wide{overflow-x:auto}
footer{margin-top:48px;color:var(--soft);font-size:.875rem}
@media(max-width:640px){td:last-child:not(.n){min-width:0}body{padding:16px 14px 40px}h1{font-size:1.35rem}
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stack,.stack tbody,.stack caption{display:block}
.stack tr{display:block;border-bottom:1px solid var(--line);padding:8px 0}
.stack td,.stack th{display:flex;gap:10px;border:0;padding:1px 0;text-align:left}
.stack td::before,.stack th[data-name]::before{content:attr(data-name);flex:0 0 92px;color:var(--soft);
font-weight:400}.stack .bar svg{flex:1}}
@media print{body{max-width:none;padding:0;font-size:10.5pt}h2{break-after:avoid}figure,tr{break-inside:avoid}
.chart,dl.tiles div{background:none;border:1px solid var(--line)}}
"""
