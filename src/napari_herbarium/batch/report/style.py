"""The frame of the report's page."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - leaves of herbarium sheets</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.counts { display: flex; flex-wrap: wrap; gap: .8rem; }
.counts div { background: #f1f5ec; border-radius: 6px; padding: .6rem 1rem;
  min-width: 7rem; }
.counts b { display: block; font-size: 1.5rem; }
table { border-collapse: collapse; } th, td { text-align: left; vertical-align: top;
  padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #ddd;
  overflow-wrap: anywhere; }
.contact { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); }
figure { margin: 0; } figure img { width: 100%; height: 17rem; object-fit: contain;
  background: #f6f6f6; border: 1px solid #ddd; }
figcaption { font-size: .8rem; overflow-wrap: anywhere; }
figcaption b { display: block; }
figure p.none { background: #f4f0ee; color: #777; margin: 0 0 .3rem; padding: 2rem 1rem;
  text-align: center; border: 1px solid #ddd; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
svg text { font: 11px system-ui, sans-serif; fill: #333; }
pre { background: #f6f6f6; padding: 1rem; overflow: auto; }
</style>
<h1>$title</h1>
$body
</html>
"""
