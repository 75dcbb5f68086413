// The part before the data in the page of scenario/trace_page.h. Plain HTML, without a library: every browser must open it, for
// years. Its script is in trace_page_script.cpp.
#include <string_view>

namespace reliant::sim {

extern const std::string_view kTracePageHead;

const std::string_view kTracePageHead = R"page(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>reliant-sim: trace</title>
<style>
  :root { --line: #d5d9e0; --grid: #e7eaef; --text: #1d2430; --soft: #667085; --bad: #c5221f; --back: #fff; --side: #f6f7f9;
          --pick: #dfe7f5; --link: #1a56c4; --down: #28303a48; --fault: #c5221f38; --bus: #7a5cc9; --wire: #1a7f5a;
          --http: #b0762b; --warning: #c27400; --debug: #8d97a6; --match: #ffd54a; }
  @media (prefers-color-scheme: dark) {
    :root { --line: #3a414c; --grid: #2a3039; --text: #e3e7ee; --soft: #98a2b3; --bad: #ff7b72; --back: #14181f; --side: #1b2129;
            --pick: #2c3a52; --link: #7fb0ff; --down: #c8d0dc48; --fault: #ff7b7248; --bus: #b39df0; --wire: #57c795;
            --http: #e0aa66; --warning: #f0a840; --debug: #7d8796; --match: #8a6d00; }
  }
  * { box-sizing: border-box; }
  body { margin: 0; height: 100vh; display: flex; flex-direction: column; font: 13px/1.4 system-ui, sans-serif;
         color: var(--text); background: var(--back); }
  header { padding: 8px 12px; border-bottom: 1px solid var(--line); }
  h1 { font-size: 15px; margin: 0 0 2px; }
  summary { color: var(--soft); cursor: pointer; }
  #options { columns: 22em; max-height: 40vh; overflow: auto; font: 11px/1.5 ui-monospace, monospace; }
  #torn { color: var(--warning); }
  #violations { margin: 4px 0 0; padding: 0; list-style: none; max-height: 9em; overflow: auto; }
  #violations li { color: var(--bad); }
  #violations li.current { background: var(--pick); }
  a { color: var(--link); cursor: pointer; text-decoration: underline; }
  #violations a.what { color: inherit; text-decoration: none; }
  #violations a.what:hover { text-decoration: underline; }
  #controls { display: flex; gap: 10px; align-items: center; flex-wrap: wrap; padding: 6px 12px;
              border-bottom: 1px solid var(--line); background: var(--side); }
  #filter { width: 20em; }
  #legend { display: flex; gap: 12px; flex-wrap: wrap; padding: 3px 12px; color: var(--soft); font-size: 11px;
            border-bottom: 1px solid var(--line); }
  #legend i { display: inline-block; width: 14px; height: 9px; margin-right: 4px; }
  #legend i.dot { width: 8px; height: 8px; border-radius: 4px; }
  #legend i.arrow { height: 2px; vertical-align: 3px; }
  #stage { flex: 1; display: flex; min-height: 0; }
  #lanes { flex: 1; position: relative; overflow-y: auto; overflow-x: hidden; }
  #lanes canvas { position: sticky; top: 0; left: 0; display: block; }
  #spacer { position: absolute; top: 0; left: 0; width: 1px; }
  aside { width: 400px; min-width: 200px; max-width: 70vw; border-left: 1px solid var(--line); background: var(--side);
          display: flex; flex-direction: column; resize: horizontal; overflow: hidden; direction: rtl; }
  aside > * { direction: ltr; }
  #details { padding: 8px 12px; border-bottom: 1px solid var(--line); max-height: 50%; overflow: auto; }
  #details pre { margin: 0; white-space: pre-wrap; word-break: break-word; font: 12px/1.35 ui-monospace, monospace; }
  #counts rect { fill: var(--link); }
  #counts text { fill: var(--soft); font-size: 10px; }
  #list { flex: 1; overflow: auto; position: relative; font: 11px/18px ui-monospace, monospace; }
  #list div { position: absolute; left: 0; right: 0; height: 18px; padding: 0 12px; white-space: nowrap; overflow: hidden;
              text-overflow: ellipsis; cursor: pointer; }
  #list div:hover, #list div.picked { background: var(--pick); }
  #list div.match { box-shadow: inset 4px 0 var(--match); }
  #list .error { color: var(--bad); } #list .warning { color: var(--warning); } #list .debug { color: var(--soft); }
  #help { position: fixed; inset: 15vh auto auto 50%; transform: translateX(-50%); padding: 14px 22px; background: var(--back);
          border: 1px solid var(--line); box-shadow: 0 4px 24px #0006; }
  #help td { padding: 1px 12px 1px 0; } kbd { font: 12px ui-monospace, monospace; border: 1px solid var(--line); padding: 0 4px; }
  [hidden] { display: none !important; }
</style>
</head>
<body>
<header>
  <h1 id="title"></h1>
  <div id="torn" hidden></div>
  <details><summary id="drawn"></summary><div id="options"></div></details>
  <ul id="violations"></ul>
</header>
<div id="controls">
  <input type="search" id="filter" placeholder="filter: ids, words, field=value">
  <input type="search" id="search" placeholder="search">
  <span id="matches"></span>
  <select id="node"><option value="">all nodes</option></select>
  <label><input type="checkbox" id="net.bus" checked> bus</label>
  <label><input type="checkbox" id="net.link" checked> links</label>
  <label><input type="checkbox" id="net.http"> HTTP</label>
  <label><input type="checkbox" id="debug" checked> debug</label>
  <label title="messages on a link of less than 32 bytes"><input type="checkbox" id="beats"> heartbeats</label>
  <label title="lanes without a record or a fault"><input type="checkbox" id="idle"> idle lanes</label>
  <button id="all">whole run</button>
  <button id="helps">?</button>
  <span id="window"></span>
</div>
<div id="legend">
  <span><i style="background:var(--down)"></i>process is down</span>
  <span><i style="background:var(--fault)"></i>fault lasts</span>
  <span><i style="background:var(--bad);width:3px"></i>fault of a moment</span>
  <span><i class="dot" style="background:var(--link)"></i>record</span>
  <span><i class="dot" style="background:var(--debug)"></i>debug</span>
  <span><i class="dot" style="background:var(--warning)"></i>warning</span>
  <span><i class="dot" style="background:var(--bad)"></i>error, fault</span>
  <span><i class="arrow" style="background:var(--bus)"></i>bus</span>
  <span><i class="arrow" style="background:var(--wire)"></i>link</span>
  <span><i class="arrow" style="background:var(--http)"></i>HTTP</span>
  <span><i style="background:var(--bad);width:2px;height:12px;vertical-align:-2px"></i>violation</span>
  <span><i style="background:var(--match)"></i>match</span>
</div>
<div id="stage">
  <div id="lanes"><canvas></canvas><div id="spacer"></div></div>
  <aside>
    <div id="details"><pre>Click a dot or an arrow for its record. ? shows the keys.</pre>
      <svg id="counts" viewBox="0 0 360 90" hidden></svg></div>
    <div id="list"></div>
  </aside>
</div>
<div id="help" hidden><table>
  <tr><td><kbd>/</kbd></td><td>search</td></tr>
  <tr><td><kbd>n</kbd> <kbd>p</kbd></td><td>next, previous match (of no search: record)</td></tr>
  <tr><td><kbd>f</kbd></td><td>filter</td></tr>
  <tr><td><kbd>←</kbd> <kbd>→</kbd></td><td>move in time</td></tr>
  <tr><td>wheel, drag</td><td>zoom, move; shift and wheel scroll the lanes</td></tr>
  <tr><td><kbd>?</kbd> <kbd>Esc</kbd></td><td>this help; close it, leave a field</td></tr>
</table><p>The address holds what is shown: copy it to share this view.</p></div>
<script type="application/json" id="trace">[)page";

}  // namespace reliant::sim
