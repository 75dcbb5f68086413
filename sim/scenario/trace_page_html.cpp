// The page of scenario/trace_page.h. Plain HTML and script, without a library: it has to open anywhere, for years.
#include <string_view>

namespace reliant::sim {

extern const std::string_view kTracePageHead;
extern const std::string_view kTracePageTail;

const std::string_view kTracePageHead = R"page(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>reliant-sim: trace</title>
<style>
  :root { --line: #d5d9e0; --text: #1d2430; --soft: #667085; --bad: #c5221f; --back: #fff; --side: #f6f7f9; }
  * { box-sizing: border-box; }
  body { margin: 0; height: 100vh; display: flex; flex-direction: column; font: 13px/1.4 system-ui, sans-serif;
         color: var(--text); background: var(--back); }
  header { padding: 8px 12px; border-bottom: 1px solid var(--line); }
  h1 { font-size: 15px; margin: 0 0 2px; }
  #options { color: var(--soft); font-size: 11px; max-height: 3em; overflow: auto; }
  #violations { margin: 4px 0 0; padding: 0; list-style: none; max-height: 8em; overflow: auto; }
  #violations li { color: var(--bad); cursor: pointer; }
  #violations li:hover { text-decoration: underline; }
  #controls { display: flex; gap: 12px; align-items: center; flex-wrap: wrap; padding: 6px 12px;
              border-bottom: 1px solid var(--line); background: var(--side); }
  #controls input[type=search] { width: 22em; }
  #stage { flex: 1; display: flex; min-height: 0; }
  #lanes { flex: 1; position: relative; overflow-y: auto; overflow-x: hidden; }
  #lanes canvas { position: sticky; top: 0; left: 0; display: block; }
  #spacer { position: absolute; top: 0; left: 0; width: 1px; }
  aside { width: 380px; border-left: 1px solid var(--line); background: var(--side); display: flex; flex-direction: column; }
  #details { padding: 8px 12px; border-bottom: 1px solid var(--line); max-height: 45%; overflow: auto; }
  #details pre { margin: 0; white-space: pre-wrap; word-break: break-word; font: 12px/1.35 ui-monospace, monospace; }
  #details a { color: #1a56c4; cursor: pointer; }
  #list { flex: 1; overflow: auto; margin: 0; padding: 0; list-style: none; font: 11px/1.5 ui-monospace, monospace; }
  #list li { padding: 0 12px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; cursor: pointer; }
  #list li:hover, #list li.picked { background: #e3e9f4; }
  #list .error { color: var(--bad); } #list .warning { color: #a15c00; } #list .debug { color: var(--soft); }
</style>
</head>
<body>
<header>
  <h1 id="title"></h1>
  <div id="options"></div>
  <ul id="violations"></ul>
</header>
<div id="controls">
  <input type="search" id="filter" placeholder="chat, request, daemon, event … (any text)">
  <select id="node"><option value="">all nodes</option></select>
  <label><input type="checkbox" id="net.bus" checked> bus</label>
  <label><input type="checkbox" id="net.link" checked> links</label>
  <label><input type="checkbox" id="net.http"> HTTP</label>
  <label><input type="checkbox" id="debug" checked> debug</label>
  <button id="all">whole run</button>
  <span id="window"></span>
</div>
<div id="stage">
  <div id="lanes"><canvas></canvas><div id="spacer"></div></div>
  <aside>
    <div id="details"><pre>Wheel: zoom. Drag: move. Shift and wheel: scroll the lanes. Click: details.</pre></div>
    <ul id="list"></ul>
  </aside>
</div>
<script type="application/json" id="trace">[)page";

const std::string_view kTracePageTail = R"page(
]</script>
<script>
'use strict';
const LANE = 20, TOP = 26, LEFT = 130, LISTED = 400, ARROWS = 3000;
const WAYS = ['net.bus', 'net.link', 'net.http'];
const COLOURS = {'net.bus': '#7a5cc9', 'net.link': '#1a7f5a', 'net.http': '#b0762b', error: '#c5221f', warning: '#d98200',
                 info: '#1a56c4', debug: '#9aa4b2'};
const all = JSON.parse(document.getElementById('trace').textContent);
const violations = all.filter(r => r.name === 'run.violation');
const ended = all.find(r => r.name === 'run.ended');
const begun = all.find(r => r.name === 'run.begun') || {scenario: 'a trace', seed: '?', options: ''};
const records = all.filter(r => r.name !== 'run.violation').sort((a, b) => a.time_ns - b.time_ns || a.step - b.step);
const names = new Map([[0, 'world']]);
const owners = new Map();
for (const r of records) {
  if (r.name === 'run.node') { names.set(r.id, r.called); owners.set(r.id, [r.role, r.user].filter(Boolean).join(' ')); }
  if (!names.has(r.node)) names.set(r.node, r.called || 'node ' + r.node);
}
const lanes = [...names.keys()].sort((a, b) => a - b);
const laneOf = new Map(lanes.map((id, i) => [id, i]));
const byName = new Map([...names].map(([id, name]) => [name, id]));
const lastTime = records.length ? records[records.length - 1].time_ns : 1;
const seconds = ns => (ns / 1e9).toFixed(ns < 1e11 ? 6 : 3) + ' s';
const textOf = new WeakMap();
const text = r => { if (!textOf.has(r)) textOf.set(r, JSON.stringify(r).toLowerCase()); return textOf.get(r); };

// begin of what is drawn (tests/sim/trace_page_test.py runs this part by itself)
const DOWN = 'rgba(40,44,52,.28)', FAULT = 'rgba(197,34,31,.20)', MOMENT = 1e6;
// Other faults happen in a moment; their lasts_us, if they have one, is no duration (of clock_jump: how far).
const LASTING = new Set(['bus_limits', 'clock_drift', 'delay', 'disk_full', 'disk_slow', 'half_open', 'partition', 'pause', 'sleep']
                            .map(kind => 'fault.' + kind));

// Spans on a lane: processes that are down, and faults for as long as they last.
function spansOf(records, byName, lastTime) {
  const spans = [], down = new Map(), open = [];
  const ended = (id, time) => {
    if (!down.has(id)) return;
    spans.push({lane: id, from: down.get(id), to: time, what: 'down', colour: DOWN});
    down.delete(id);
  };
  const cut = (time, which) => { for (const span of open.filter(which)) span.to = Math.min(span.to, time); };
  for (const r of records) {
    if (r.name === 'node.crashed') down.set(r.node, r.time_ns);
    if (r.name === 'node.started') ended(r.node, r.time_ns);
    if (r.name === 'fault.restarted') ended(byName.get(r.target), r.time_ns);
    if (r.name === 'fault.resumed') cut(r.time_ns, span => span.lane === byName.get(r.target) && span.what === 'pause');
    if (r.name === 'fault.healed') {
      cut(r.time_ns, () => true);
      open.length = 0;
    }
    if (!r.name.startsWith('fault.') || ['fault.restarted', 'fault.resumed', 'fault.stop.killed'].includes(r.name)) continue;
    const lasts = LASTING.has(r.name) ? Math.max(Number(r.lasts_us || 0) * 1000, MOMENT) : MOMENT;
    for (const place of [r.target, r.other]) {
      if (!byName.has(place)) continue;
      const span = {lane: byName.get(place), from: r.time_ns, to: r.time_ns + lasts, what: r.name.slice(6), record: r, colour: FAULT};
      spans.push(span);
      if (LASTING.has(r.name)) open.push(span);
    }
  }
  for (const id of [...down.keys()]) ended(id, lastTime);
  return spans;
}

// The records that a violation is about: those that name the first id of its text that any record names.
function subjectOf(violation, records) {
  for (const id of violation.what.match(/\b[a-z]+_[0-9A-Za-z-]{6,}\b/g) || []) {
    const about = records.filter(r => JSON.stringify(r).includes(id));
    if (about.length) return {id, about};
  }
  return {id: '', about: []};
}
// end of what is drawn

const spans = spansOf(records, byName, lastTime);
const marks = records.filter(r => ['run.chaos', 'fault.healed', 'run.quiesced'].includes(r.name));

const canvas = document.querySelector('canvas'), ctx = canvas.getContext('2d'), box = document.getElementById('lanes');
const view = {from: 0, to: lastTime * 1.02 + 1e6};
let shown = [], picked = null, dots = [], arrows = [];

const chosen = id => document.getElementById(id);
function fits(r) {
  if (WAYS.includes(r.name) ? !chosen(r.name).checked : r.level === 'debug' && !chosen('debug').checked) return false;
  const node = chosen('node').value;
  if (node !== '' && String(r.node) !== node && String(r.from) !== node) return false;
  return true;
}
function select() {
  const words = chosen('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = records.filter(r => fits(r) && words.every(word => text(r).includes(word)));
  draw();
}
// The first of the sorted records at or after a time.
function firstAt(list, time) {
  let low = 0, high = list.length;
  while (low < high) { const mid = (low + high) >> 1; if (list[mid].time_ns < time) low = mid + 1; else high = mid; }
  return low;
}
const x = time => LEFT + (time - view.from) / (view.to - view.from) * (canvas.clientWidth - LEFT);
const y = node => TOP + laneOf.get(node) * LANE + LANE / 2 - box.scrollTop;

function draw() {
  const width = box.clientWidth, height = box.clientHeight, ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio; canvas.height = height * ratio;
  canvas.style.width = width + 'px'; canvas.style.height = height + 'px';
  chosen('spacer').style.height = TOP + lanes.length * LANE + 20 + 'px';
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.save(); ctx.beginPath(); ctx.rect(LEFT, 0, width, height); ctx.clip();
  for (const s of spans) {
    if (s.to < view.from || s.from > view.to) continue;
    ctx.fillStyle = s.colour;
    ctx.fillRect(x(s.from), y(s.lane) - LANE / 2, Math.max(x(s.to) - x(s.from), 2), LANE);
    if (x(s.to) - x(s.from) > 40) { ctx.fillStyle = '#7a1d1b'; ctx.font = '10px sans-serif'; ctx.fillText(s.what, x(s.from) + 3, y(s.lane) - 1); }
  }
  drawAxis(width, height);
  const from = firstAt(shown, view.from), to = firstAt(shown, view.to);
  drawArrows(from, to);
  drawDots(from, to);
  for (const v of violations) line(v.time_ns, height, COLOURS.error, 2);
  if (picked) line(picked.time_ns, height, '#1d2430', 1);
  ctx.restore();
  drawNames(height);
  chosen('window').textContent = (to - from) + ' of ' + records.length + ' records, ' + seconds(Math.max(view.from, 0)) + ' to ' + seconds(view.to);
  list(from, to);
}
function line(time, height, colour, width) {
  ctx.strokeStyle = colour; ctx.lineWidth = width;
  ctx.beginPath(); ctx.moveTo(x(time), TOP - 8); ctx.lineTo(x(time), height); ctx.stroke();
}
function drawAxis(width, height) {
  const wanted = (view.to - view.from) / 8, power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= wanted);
  ctx.font = '11px sans-serif';
  for (let t = Math.ceil(view.from / step) * step; t < view.to; t += step) {
    line(t, height, '#e7eaef', 1);
    ctx.fillStyle = '#667085'; ctx.fillText((t / 1e9).toPrecision(8).replace(/\.?0+$/, '') + ' s', x(t) + 3, 12);
  }
  for (const m of marks) { line(m.time_ns, height, '#b9c2d0', 1); ctx.fillStyle = '#667085'; ctx.fillText(m.name, x(m.time_ns) + 3, 23); }
}
function drawNames(height) {
  ctx.fillStyle = '#fff'; ctx.fillRect(0, 0, LEFT, height);
  ctx.font = '11px sans-serif';
  for (const id of lanes) {
    const at = y(id);
    if (at < TOP - LANE || at > height + LANE) continue;
    ctx.fillStyle = '#1d2430'; ctx.fillText(names.get(id), 8, at + 4);
    ctx.fillStyle = '#9aa4b2'; ctx.fillText((owners.get(id) || '').split(' ')[1] || '', 88, at + 4);
    ctx.strokeStyle = '#eef0f3'; ctx.lineWidth = 1; ctx.beginPath(); ctx.moveTo(0, at + LANE / 2); ctx.lineTo(canvas.clientWidth, at + LANE / 2); ctx.stroke();
  }
  ctx.fillStyle = '#fff'; ctx.fillRect(0, 0, LEFT, TOP - 6);
}
// Where more messages are in view than can be told apart, those between the same two lanes at about the same time are one.
function drawArrows(from, to) {
  arrows = [];
  const bundles = new Map();
  let count = 0;
  for (let i = from; i < to; ++i) if (WAYS.includes(shown[i].name)) ++count;
  for (let i = from; i < to; ++i) {
    const r = shown[i];
    if (!WAYS.includes(r.name) || !laneOf.has(r.from)) continue;
    const arrow = {x1: x(r.sent_ns), y1: y(r.from), x2: x(r.time_ns), y2: y(r.node), record: r, count: 1};
    if (count <= ARROWS) { arrows.push(arrow); continue; }
    const key = r.name + r.from + '>' + r.node + '@' + Math.round(arrow.x2 / 8);
    if (bundles.has(key)) ++bundles.get(key).count; else bundles.set(key, arrow);
  }
  if (count > ARROWS) arrows = [...bundles.values()];
  for (const a of arrows) {
    ctx.strokeStyle = ctx.fillStyle = COLOURS[a.record.name];
    ctx.globalAlpha = Math.min(.25 + a.count * .1, .9); ctx.lineWidth = Math.min(1 + Math.log2(a.count) / 2, 4);
    ctx.beginPath(); ctx.moveTo(a.x1, a.y1); ctx.lineTo(a.x2, a.y2); ctx.stroke();
    const turn = Math.atan2(a.y2 - a.y1, a.x2 - a.x1);
    ctx.beginPath(); ctx.moveTo(a.x2, a.y2);
    for (const side of [2.7, -2.7]) ctx.lineTo(a.x2 + 6 * Math.cos(turn + side), a.y2 + 6 * Math.sin(turn + side));
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}
// One dot a pixel of a lane: the gravest of what is there, the larger the more.
function drawDots(from, to) {
  dots = [];
  const gravity = {debug: 0, info: 1, warning: 2, error: 3}, places = new Map();
  for (let i = from; i < to; ++i) {
    const r = shown[i];
    if (WAYS.includes(r.name)) continue;
    const node = r.name.startsWith('fault.') && byName.has(r.target) ? byName.get(r.target) : r.node;
    const px = Math.round(x(r.time_ns)), key = node * 1e5 + px, old = places.get(key);
    if (!old) places.set(key, {x: px, y: y(node), record: r, count: 1});
    else { ++old.count; if (gravity[r.level] > gravity[old.record.level]) old.record = r; }
  }
  dots = [...places.values()];
  for (const d of dots) {
    ctx.fillStyle = d.record.name.startsWith('fault.') ? '#c5221f' : COLOURS[d.record.level];
    ctx.beginPath(); ctx.arc(d.x, d.y, Math.min(2.5 + Math.log2(d.count) * .7, 6), 0, 7); ctx.fill();
  }
}
function list(from, to) {
  const rows = document.createDocumentFragment();
  for (let i = from; i < Math.min(to, from + LISTED); ++i) {
    const r = shown[i], row = document.createElement('li');
    row.className = r.level + (r === picked ? ' picked' : '');
    row.textContent = (r.time_ns / 1e9).toFixed(6) + ' ' + names.get(r.node) + ' ' + r.name + ' ' + brief(r);
    row.onclick = () => pick(r, true);
    rows.append(row);
  }
  if (to - from > LISTED) { const row = document.createElement('li'); row.textContent = '… ' + (to - from - LISTED) + ' more: zoom in'; rows.append(row); }
  chosen('list').replaceChildren(rows);
}
const brief = r => Object.entries(r).filter(([k]) => !['step', 'time_ns', 'node', 'level', 'name', 'sent_ns'].includes(k)).map(([k, v]) => k + '=' + v).join(' ');
function pick(r, stay) {
  picked = r;
  const out = chosen('details');
  out.replaceChildren();
  const pre = document.createElement('pre');
  pre.textContent = r.name + '\n' + seconds(r.time_ns) + ', step ' + r.step + ', ' + names.get(r.node) + '\n' +
    Object.entries(r).filter(([k]) => !['step', 'time_ns', 'node', 'level', 'name'].includes(k)).map(([k, v]) =>
      k + ': ' + (k === 'from' ? names.get(v) : v)).join('\n');
  out.append(pre);
  for (const key of ['request_id', 'chat', 'daemon', 'user']) {
    if (!r[key]) continue;
    const link = document.createElement('a');
    link.textContent = 'only this ' + key.replace('_id', '');
    link.onclick = () => { chosen('filter').value = r[key]; select(); };
    out.append(link, ' ');
  }
  if (!stay) box.scrollTop = Math.max(0, laneOf.get(r.node) * LANE - box.clientHeight / 2);
  draw();
}
// At the records that a violation is about, with some time around them; without any, at when it was found.
function show(violation) {
  const {id, about} = subjectOf(violation, records);
  chosen('filter').value = id;
  const from = about.length ? about[0].time_ns : violation.time_ns;
  const to = about.length ? about[about.length - 1].time_ns : violation.time_ns;
  look((from + to) / 2, (to - from) * .6 + 5e8);
  select();
  pick(violation, true);
}
function look(time, half) { view.from = time - half; view.to = time + half; }

document.title = 'reliant-sim: ' + begun.scenario + ' seed ' + begun.seed;
chosen('title').textContent = begun.scenario + ', seed ' + begun.seed + (ended ? ': ' + ended.outcome : '');
chosen('options').textContent = begun.options;
for (const v of violations) {
  const item = document.createElement('li');
  item.textContent = seconds(v.time_ns) + '  ' + v.oracle + ': ' + v.what;
  item.onclick = () => show(v);
  chosen('violations').append(item);
}
for (const id of lanes) {
  const option = document.createElement('option');
  option.value = id; option.textContent = names.get(id) + (owners.get(id) ? ' (' + owners.get(id) + ')' : '');
  chosen('node').append(option);
}
for (const id of ['filter', 'node', 'debug', ...WAYS]) chosen(id).oninput = select;
chosen('all').onclick = () => { view.from = 0; view.to = lastTime * 1.02 + 1e6; draw(); };
box.onscroll = draw;
window.onresize = draw;
canvas.addEventListener('wheel', e => {
  if (e.shiftKey) return;
  e.preventDefault();
  const part = Math.min(Math.max((e.offsetX - LEFT) / (canvas.clientWidth - LEFT), 0), 1), span = view.to - view.from;
  const wider = Math.min(Math.max(span * 1.0015 ** e.deltaY, 1000), lastTime * 1.1 + 1e6), at = view.from + span * part;
  view.from = at - wider * part; view.to = view.from + wider;
  draw();
}, {passive: false});
let drag = null;
canvas.onmousedown = e => { drag = {x: e.offsetX, from: view.from, to: view.to, moved: false}; };
window.onmouseup = () => { drag = null; };
canvas.onmousemove = e => {
  if (!drag || Math.abs(e.offsetX - drag.x) < 3 && !drag.moved) return;
  drag.moved = true;
  const by = (e.offsetX - drag.x) / (canvas.clientWidth - LEFT) * (drag.to - drag.from);
  view.from = drag.from - by; view.to = drag.to - by;
  draw();
};
canvas.onclick = e => {
  let best = null, least = 64;
  const near = (px, py, r, weight) => {
    const distance = ((px - e.offsetX) ** 2 + (py - e.offsetY) ** 2) * weight;
    if (distance < least) { least = distance; best = r; }
  };
  for (const d of dots) near(d.x, d.y, d.record, 1);
  for (const a of arrows) {
    const dx = a.x2 - a.x1, dy = a.y2 - a.y1, length = dx * dx + dy * dy || 1;
    const part = Math.min(Math.max(((e.offsetX - a.x1) * dx + (e.offsetY - a.y1) * dy) / length, 0), 1);
    near(a.x1 + part * dx, a.y1 + part * dy, a.record, 2);
  }
  if (best) pick(best, true);
};
select();
if (violations.length) show(violations[0]);
</script>
</body>
</html>
)page";

}  // namespace reliant::sim
