// The part after the data in the page of scenario/trace_page.h: its script.
#include <string_view>

namespace reliant::sim {

extern const std::string_view kTracePageTail;

const std::string_view kTracePageTail = R"page(
]</script>
<script>
'use strict';
const LANE = 20, TOP = 30, LEFT = 130, ROW = 18, ARROWS = 3000, BEAT = 32;
const WAYS = ['net.bus', 'net.link', 'net.http'];
const COLOURS = {'net.bus': 'bus', 'net.link': 'wire', 'net.http': 'http', error: 'bad', warning: 'warning', info: 'link', debug: 'debug'};
const chosen = id => document.getElementById(id);
// Digests are too large for a number of JavaScript: they stay texts.
const all = JSON.parse(chosen('trace').textContent.replace(/"digest":(-?\d+)/g, '"digest":"$1"'));
const torn = all.find(r => r.name === 'trace.torn');
const violations = all.filter(r => r.name === 'run.violation');
const ended = all.find(r => r.name === 'run.ended');
const begun = all.find(r => r.name === 'run.begun') || {scenario: 'a trace', seed: '?', options: ''};
const records = all.filter(r => !['run.violation', 'trace.torn', 'trace.version'].includes(r.name)).sort((a, b) => a.time_ns - b.time_ns || a.step - b.step);
const names = new Map([[0, 'world']]), owners = new Map(), clients = new Set();
for (const r of records) {
  if (r.name === 'run.node') {
    names.set(r.id, r.called); owners.set(r.id, [r.role, r.user].filter(Boolean).join(' '));
    if (r.role === 'client') clients.add(r.id);
  }
  if (!names.has(r.node)) names.set(r.node, r.called || 'node ' + r.node);
}
const byName = new Map([...names].map(([id, name]) => [name, id]));
const lastTime = records.length ? records[records.length - 1].time_ns : 1;
const seconds = ns => (ns / 1e9).toFixed(ns < 1e11 ? 6 : 3) + ' s';
const hexadecimal = text => BigInt.asUintN(64, BigInt(text)).toString(16).padStart(16, '0');
const shownValue = (key, value) => ['hash', 'digest'].includes(key) && /^-?\d+$/.test(value) ? hexadecimal(value) : key === 'from' && names.has(value) ? names.get(value) : value;

// begin of the drawn data (tests/sim/trace_page_test.py runs this part by itself)
// These last for lasts_us, or until they are healed; of the others lasts_us, if they have one, is no duration (of clock_jump: how
// far): they are marks.
const LASTING = new Set(['clock_drift', 'delay', 'disk_full', 'disk_slow', 'half_open', 'partition', 'pause', 'sleep'].map(kind => 'fault.' + kind));
const ENDLESS = new Set(['fault.bus_limits', 'fault.temporal_lost']);
const SUBJECTS = ['request_id', 'message', 'chat', 'project', 'daemon', 'user'];

// Spans on a lane: processes that are down, and faults for as long as they last. A client that does not come back is done.
function spansOf(records, byName, lastTime, clients = new Set()) {
  const spans = [], down = new Map(), open = [];
  const ended = (id, time) => {
    if (!down.has(id)) return;
    spans.push({lane: id, from: down.get(id), to: time, what: 'down'});
    down.delete(id);
  };
  const cut = (time, which) => { for (const span of open.filter(which)) span.to = Math.min(span.to, time); };
  for (const r of records) {
    if (['node.crashed', 'node.exited'].includes(r.name) && !down.has(r.node)) down.set(r.node, r.time_ns);
    if (r.name === 'node.started') ended(r.node, r.time_ns);
    if (r.name === 'fault.restarted') ended(byName.get(r.target), r.time_ns);
    if (r.name === 'fault.resumed') cut(r.time_ns, span => span.lane === byName.get(r.target) && span.what === 'pause');
    if (r.name === 'fault.healed') {
      cut(r.time_ns, () => true);
      open.length = 0;
    }
    if (!r.name.startsWith('fault.') || ['fault.restarted', 'fault.resumed', 'fault.stop.killed'].includes(r.name)) continue;
    const lasts = ENDLESS.has(r.name) ? lastTime : LASTING.has(r.name) ? Number(r.lasts_us || 0) * 1000 : 0;
    for (const place of new Set([r.target, r.other])) {
      if (!byName.has(place)) continue;
      const span = {lane: byName.get(place), from: r.time_ns, to: Math.min(r.time_ns + lasts, Math.max(lastTime, r.time_ns)), what: r.name.slice(6), mark: lasts === 0, record: r};
      spans.push(span);
      if (lasts > 0) open.push(span);
    }
  }
  for (const id of [...down.keys()]) if (!clients.has(id)) ended(id, lastTime);
  return spans;
}

// The subject of a violation: the filter that shows it, and the matching records. If it has no ids: the first id of its text
// that a record names.
function subjectOf(violation, records) {
  if (violation.event) {
    const filter = 'name=' + violation.event;
    return {id: filter, about: records.filter(r => filter.split(' ').every(word => hasField(r, word)))};
  }
  const key = SUBJECTS.find(subject => violation[subject]);
  if (key === 'daemon' || key === 'user') {
    const words = SUBJECTS.filter(subject => violation[subject]).map(subject => subject + '=' + violation[subject]);
    return {id: words.join(' '), about: records.filter(r => words.every(word => hasField(r, word)))};
  }
  for (const id of key ? [violation[key]] : violation.what.match(/\b[a-z]+_[0-9A-Za-z-]{6,}\b/g) || []) {
    const about = records.filter(r => JSON.stringify(r).includes(id));
    if (about.length) return {id, about};
  }
  return {id: '', about: []};
}
function hasField(record, word) {
  const at = word.indexOf('=');
  return String(record[word.slice(0, at)]) === word.slice(at + 1);
}
// The record at which a violation shows: that of its step; else the last one of its subject before it was found.
function placeOf(violation, about) {
  return about.find(r => r.step === violation.step && r.time_ns === violation.time_ns) ||
    about.filter(r => r.time_ns <= violation.time_ns).pop() || about[about.length - 1];
}
// end of the drawn data

const spans = spansOf(records, byName, lastTime, clients);
const marks = records.filter(r => ['run.chaos', 'fault.healed', 'run.quiesced'].includes(r.name));
const textOf = new WeakMap();
const text = r => { if (!textOf.has(r)) textOf.set(r, JSON.stringify(r).toLowerCase()); return textOf.get(r); };
const counts = chosen('counts'), canvas = document.querySelector('canvas'), ctx = canvas.getContext('2d'), box = chosen('lanes');
const WHOLE = {from: 0, to: lastTime * 1.02 + 1e6}, view = {...WHOLE};
let shown = [], matches = [], picked = null, dots = [], arrows = [], lanes = [], laneOf = new Map(), taken = [], range = [0, 0];

let palette = {};
const paint = name => palette[name] || (palette[name] = getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { palette = {}; draw(); });

function fits(r) {
  if (WAYS.includes(r.name) ? !chosen(r.name).checked : r.level === 'debug' && !chosen('debug').checked) return false;
  if (r.name === 'net.link' && r.bytes < BEAT && !chosen('beats').checked) return false;
  const node = chosen('node').value;
  return node === '' || String(r.node) === node || String(r.from) === node;
}
const wordsOf = id => chosen(id).value.split(/\s+/).filter(Boolean);
const has = (r, words) => words.every(word => word.includes('=') ? hasField(r, word) : text(r).includes(word.toLowerCase()));
function select() {
  const words = wordsOf('filter'), wanted = wordsOf('search');
  shown = records.filter(r => fits(r) && has(r, words));
  matches = wanted.length ? shown.filter(r => has(r, wanted)) : [];
  const busy = new Set([0, ...spans.map(s => s.lane)]);
  for (const r of shown) { if (r.name !== 'run.node') busy.add(r.node); if (r.from !== undefined) busy.add(r.from); }
  lanes = [...names.keys()].filter(id => chosen('idle').checked || busy.has(id)).sort((a, b) => a - b);
  laneOf = new Map(lanes.map((id, i) => [id, i]));
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

// A text, unless it would overprint an existing one.
function label(words, left, base) {
  const right = left + ctx.measureText(words).width;
  if (taken.some(t => t.base === base && left < t.right + 4 && right > t.left - 4)) return;
  taken.push({base, left, right});
  ctx.fillText(words, left, base);
}
function draw() {
  const width = box.clientWidth, height = box.clientHeight, ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio; canvas.height = height * ratio;
  canvas.style.width = width + 'px'; canvas.style.height = height + 'px';
  chosen('spacer').style.height = TOP + lanes.length * LANE + 20 + 'px';
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  taken = [];
  ctx.save(); ctx.beginPath(); ctx.rect(LEFT, 0, width, height); ctx.clip();
  drawAxis(width, height);
  for (const s of spans) drawSpan(s);
  for (const s of spans) nameSpan(s);
  range = [firstAt(shown, view.from), firstAt(shown, view.to)];
  drawArrows(...range);
  drawDots(...range);
  for (const v of violations) line(v.time_ns, height, paint('bad'), 2);
  if (picked) line(picked.time_ns, height, paint('text'), 1);
  ctx.restore();
  drawNames(height);
  chosen('window').textContent = (range[1] - range[0]) + ' of ' + records.length + ' records, ' + seconds(Math.max(view.from, 0)) + ' to ' + seconds(view.to);
  const at = matches.indexOf(picked);
  chosen('matches').textContent = chosen('search').value ? (at < 0 ? '' : at + 1 + ' of ') + matches.length + ' matches' : '';
  list();
  keep();
}
const inView = s => s.to >= view.from && s.from <= view.to && laneOf.has(s.lane);
function drawSpan(s) {
  if (!inView(s)) return;
  const left = x(s.from), top = y(s.lane) - LANE / 2;
  ctx.fillStyle = paint(s.mark ? 'bad' : s.what === 'down' ? 'down' : 'fault');
  ctx.fillRect(left, top, s.mark ? 3 : Math.max(x(s.to) - left, 2), LANE);
}
function nameSpan(s) {
  if (!inView(s)) return;
  ctx.font = '10px sans-serif';
  const begin = Math.max(x(s.from), LEFT) + (s.mark ? 5 : 3);
  if (!s.mark && begin + ctx.measureText(s.what).width > x(s.to)) return;
  ctx.fillStyle = paint(s.what === 'down' ? 'text' : 'bad');
  label(s.what, begin, y(s.lane) - 1);
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
    line(t, height, paint('grid'), 1);
    ctx.fillStyle = paint('soft'); label((t / 1e9).toPrecision(8).replace(/\.?0+$/, '') + ' s', x(t) + 3, 12);
  }
  for (const m of marks) { line(m.time_ns, height, paint('line'), 1); ctx.fillStyle = paint('soft'); label(m.name, x(m.time_ns) + 3, 24); }
}
function drawNames(height) {
  ctx.fillStyle = paint('back'); ctx.fillRect(0, 0, LEFT, height);
  ctx.font = '11px sans-serif';
  for (const id of lanes) {
    const at = y(id);
    if (at < TOP - LANE / 2 || at > height + LANE) continue;
    ctx.fillStyle = paint('text'); label(names.get(id), 8, at + 4);
    ctx.fillStyle = paint('soft'); label((owners.get(id) || '').split(' ')[1] || '', 88, at + 4);
    ctx.strokeStyle = paint('grid'); ctx.lineWidth = 1; ctx.beginPath(); ctx.moveTo(0, at + LANE / 2); ctx.lineTo(canvas.clientWidth, at + LANE / 2); ctx.stroke();
  }
}
// Messages in view that are too dense to be distinguished: those between the same two lanes at about the same time become one.
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
    const key = r.from + '>' + r.node + '@' + Math.round(arrow.x2 / 4);
    if (bundles.has(key)) ++bundles.get(key).count; else bundles.set(key, arrow);
  }
  if (count > ARROWS) arrows = [...bundles.values()];
  ctx.globalAlpha = arrows.length > 400 ? .45 : .8;
  for (const a of arrows) {
    ctx.strokeStyle = ctx.fillStyle = paint(COLOURS[a.record.name]);
    ctx.lineWidth = Math.min(1 + Math.log2(a.count) / 2, 4);
    ctx.beginPath(); ctx.moveTo(a.x1, a.y1); ctx.lineTo(a.x2, a.y2); ctx.stroke();
    const turn = Math.atan2(a.y2 - a.y1, a.x2 - a.x1);
    ctx.beginPath(); ctx.moveTo(a.x2, a.y2);
    for (const side of [2.7, -2.7]) ctx.lineTo(a.x2 + 6 * Math.cos(turn + side), a.y2 + 6 * Math.sin(turn + side));
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}
// One dot for each pixel of a lane: the most severe record there; its size grows with their number.
function drawDots(from, to) {
  const gravity = {debug: 0, info: 1, warning: 2, error: 3}, places = new Map(), found = new Set(matches);
  for (let i = from; i < to; ++i) {
    const r = shown[i];
    if (WAYS.includes(r.name)) continue;
    const target = r.name.startsWith('fault.') && byName.has(r.target) ? byName.get(r.target) : r.node, node = laneOf.has(target) ? target : 0;
    const px = Math.round(x(r.time_ns)), key = node * 1e5 + px, old = places.get(key);
    if (!old) places.set(key, {x: px, y: y(node), record: r, count: 1, match: found.has(r)});
    else { ++old.count; old.match = old.match || found.has(r); if (gravity[r.level] > gravity[old.record.level]) old.record = r; }
  }
  dots = [...places.values()];
  for (const d of dots) {
    const radius = Math.min(2.5 + Math.log2(d.count) * .7, 6);
    if (d.match) { ctx.fillStyle = paint('match'); ctx.beginPath(); ctx.arc(d.x, d.y, radius + 3, 0, 7); ctx.fill(); }
    ctx.fillStyle = paint(d.record.name.startsWith('fault.') ? 'bad' : COLOURS[d.record.level]);
    ctx.beginPath(); ctx.arc(d.x, d.y, radius, 0, 7); ctx.fill();
  }
}
// Only the rows in sight are elements, however many records there are.
function list() {
  const pane = chosen('list'), [from, to] = range, found = new Set(matches), rows = document.createDocumentFragment();
  const end = document.createElement('div');
  end.style.top = Math.max(0, to - from - 1) * ROW + 'px';
  const first = from + Math.floor(pane.scrollTop / ROW), last = Math.min(to, first + Math.ceil(pane.clientHeight / ROW) + 1);
  if (last < to) rows.append(end);
  for (let i = first; i < last; ++i) {
    const r = shown[i], row = document.createElement('div');
    row.className = r.level + (r === picked ? ' picked' : '') + (found.has(r) ? ' match' : '');
    row.style.top = (i - from) * ROW + 'px';
    row.textContent = row.title = (r.time_ns / 1e9).toFixed(6) + ' ' + names.get(r.node) + ' ' + r.name + ' ' + brief(r);
    row.onclick = () => pick(r);
    rows.append(row);
  }
  pane.replaceChildren(rows);
}
const fieldsOf = (r, without) => Object.entries(r).filter(([k]) => !['step', 'time_ns', 'node', 'level', 'name', ...without].includes(k)).map(([k, v]) => [k, shownValue(k, v)]);
const brief = r => fieldsOf(r, ['sent_ns']).map(([k, v]) => k + '=' + v).join(' ');
function onlyThis(words, id) {
  const link = document.createElement('a');
  link.textContent = words;
  link.onclick = () => { chosen('filter').value = id; select(); };
  return link;
}
function pick(r) {
  picked = r;
  const out = chosen('details'), pre = document.createElement('pre');
  pre.textContent = r.name + '\n' + seconds(r.time_ns) + ', step ' + r.step + ', ' + names.get(r.node) + '\n' + fieldsOf(r, []).map(([k, v]) => k + ': ' + v).join('\n');
  out.replaceChildren(pre);
  for (const key of SUBJECTS) if (r[key]) out.append(onlyThis('only this ' + key.replace('_id', ''), ['daemon', 'user'].includes(key) ? key + '=' + r[key] : r[key]), ' ');
  if (r.event) showCounts(r.event, subjectOf(r, records).about);
  const at = shown.indexOf(r) - range[0], pane = chosen('list');
  if (laneOf.has(r.node)) {
    const top = laneOf.get(r.node) * LANE;
    if (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 2 * TOP) box.scrollTop = Math.max(0, top - box.clientHeight / 2);
  }
  draw();
  if (at >= 0 && (at * ROW < pane.scrollTop || (at + 1) * ROW > pane.scrollTop + pane.clientHeight)) pane.scrollTop = Math.max(0, at * ROW - pane.clientHeight / 2);
}
// How often an event happened, over the run.
function showCounts(event, about) {
  const BINS = 40, bins = new Array(BINS).fill(0);
  for (const r of about) ++bins[Math.min(BINS - 1, Math.floor(r.time_ns / lastTime * BINS))];
  const most = Math.max(...bins, 1);
  counts.replaceChildren();
  const add = (kind, attributes, words) => {
    const part = document.createElementNS(counts.namespaceURI, kind);
    for (const [k, v] of Object.entries(attributes)) part.setAttribute(k, v);
    part.textContent = words || '';
    counts.append(part);
  };
  bins.forEach((n, i) => { if (n) add('rect', {x: i * 9, y: 75 - n / most * 60, width: 8, height: n / most * 60}, ''); });
  add('text', {x: 0, y: 10}, event + ': ' + about.length + ' times, at most ' + most + ' in a bar');
  add('text', {x: 0, y: 87}, '0 s'); add('text', {x: 300, y: 87}, seconds(lastTime));
  counts.removeAttribute('hidden');
  chosen('details').append(counts);
}
// Shows the records of a violation, around the one at which it shows. Without records: the time at which it was found.
function show(violation) {
  const {id, about} = subjectOf(violation, records), place = placeOf(violation, about.filter(fits)) || violation;
  chosen('filter').value = id;
  const first = about.length ? about[0].time_ns : violation.time_ns, last = about.length ? about[about.length - 1].time_ns : violation.time_ns;
  if (violation.event) Object.assign(view, WHOLE);
  else if (last - first <= 60e9) look((first + last) / 2, (last - first) * .6 + 5e8);
  else look(place.time_ns, 10e9);
  select();
  pick(violation.event ? violation : place);
  [...chosen('violations').children].forEach((item, i) => item.classList.toggle('current', violations[i] === violation));
}
function look(time, half) { view.from = Math.round(time - half); view.to = Math.round(time + half); }
// To the next (1) or previous (-1) match.
function go(way) {
  const among = chosen('search').value ? matches : shown;
  if (!among.length) return;
  const at = among.indexOf(picked), time = picked ? picked.time_ns : view.from;
  const next = at >= 0 ? at + way : way > 0 ? firstAt(among, time) : firstAt(among, time) - 1;
  const r = among[(next + among.length) % among.length];
  if (r.time_ns < view.from || r.time_ns > view.to) look(r.time_ns, (view.to - view.from) / 2);
  draw();
  pick(r);
}

// The address holds the state of the view.
const BOXES = ['debug', 'beats', 'idle', ...WAYS], DEFAULTS = {debug: true, beats: false, idle: false, 'net.bus': true, 'net.link': true, 'net.http': false};
function keep() {
  const state = new URLSearchParams({from: Math.round(view.from), to: Math.round(view.to)});
  for (const id of ['filter', 'search', 'node']) if (chosen(id).value) state.set(id, chosen(id).value);
  for (const id of BOXES) if (chosen(id).checked !== DEFAULTS[id]) state.set(id, Number(chosen(id).checked));
  if (violations.includes(picked)) state.set('violation', violations.indexOf(picked));
  else if (picked) state.set('record', records.indexOf(picked));
  if ('#' + state !== location.hash) history.replaceState(null, '', '#' + state);
}
function restore() {
  const state = new URLSearchParams(location.hash.slice(1));
  if (!(Number(state.get('to')) > Number(state.get('from')))) return false;
  view.from = Number(state.get('from')); view.to = Number(state.get('to'));
  for (const id of ['filter', 'search', 'node']) chosen(id).value = state.get(id) || '';
  for (const id of BOXES) chosen(id).checked = state.has(id) ? state.get(id) === '1' : DEFAULTS[id];
  const kept = state.has('record') ? records[state.get('record')] : violations[state.get('violation')];
  picked = kept || null;
  select();
  if (kept) pick(kept);
  return true;
}

document.title = 'reliant-sim: ' + begun.scenario + ' seed ' + begun.seed;
chosen('title').textContent = begun.scenario + ', seed ' + begun.seed + (ended ? ': ' + ended.outcome + ', hash ' + shownValue('hash', ended.hash) : '');
if (torn) { chosen('torn').hidden = false; chosen('torn').textContent = 'The trace is torn in line ' + torn.line + ': what follows is missing.'; }
const options = begun.options.split(' ').filter(Boolean);
chosen('drawn').textContent = options.length + ' options drawn';
chosen('options').replaceChildren(...options.map(option => { const row = document.createElement('div'); row.textContent = option; return row; }));
for (const v of violations) {
  const item = document.createElement('li'), what = document.createElement('a');
  what.className = 'what';
  what.textContent = seconds(v.time_ns) + '  ' + v.oracle + ': ' + v.what;
  what.onclick = () => show(v);
  item.append(what);
  for (const key of SUBJECTS) if (v[key]) item.append(' ', onlyThis(v[key], ['daemon', 'user'].includes(key) ? key + '=' + v[key] : v[key]));
  chosen('violations').append(item);
}
for (const id of [...names.keys()].sort((a, b) => a - b)) {
  const option = document.createElement('option');
  option.value = id; option.textContent = names.get(id) + (owners.get(id) ? ' (' + owners.get(id) + ')' : '');
  chosen('node').append(option);
}
for (const id of ['filter', 'search', 'node', ...BOXES]) chosen(id).oninput = select;
chosen('all').onclick = () => { Object.assign(view, WHOLE); draw(); };
chosen('helps').onclick = () => { chosen('help').hidden = !chosen('help').hidden; };
box.onscroll = draw;
chosen('list').onscroll = list;
window.onresize = draw;
window.onhashchange = restore;
const KEYS = {
  '/': () => chosen('search').focus(), f: () => chosen('filter').focus(), n: () => go(1), p: () => go(-1), '?': () => chosen('helps').click(),
  ArrowLeft: () => pan(-.2), ArrowRight: () => pan(.2)};
function pan(part) { const by = (view.to - view.from) * part; view.from += by; view.to += by; draw(); }
window.addEventListener('keydown', e => {
  if (e.key === 'Escape') { chosen('help').hidden = true; if (document.activeElement) document.activeElement.blur(); return; }
  if (e.key === 'Enter' && e.target.id === 'search') return go(e.shiftKey ? -1 : 1);
  if (e.ctrlKey || e.altKey || e.metaKey || ['INPUT', 'SELECT'].includes(e.target.tagName) && e.target.type !== 'checkbox' || !KEYS[e.key]) return;
  e.preventDefault();
  KEYS[e.key]();
});
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
  if (best) pick(best);
};
if (!restore()) {
  if (violations.length) show(violations[0]);
  else select();
}
</script>
</body>
</html>
)page";

}  // namespace reliant::sim
