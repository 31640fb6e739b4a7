// The two libraries that people draw networks with read the graph as it is served, and reckon it anew.
import assert from "node:assert/strict";
import cytoscape from "cytoscape";
import { forceLink, forceManyBody, forceSimulation } from "d3-force";

const base = process.argv[2];

async function got(path) {
  const response = await fetch(`${base}/v1/${path}`);
  assert.equal(response.status, 200, path);
  return response.json();
}

const around = "records/mao-zedong/neighbors?depth=4&limit=500";
const { nodes, links } = await got(around);
const simulation = forceSimulation(nodes)
  .force("link", forceLink(links).id((d) => d.id))
  .force("charge", forceManyBody())
  .stop()
  .tick(50);
assert.equal(simulation.nodes().length, nodes.length);
assert(nodes.every((node) => Number.isFinite(node.x) && Number.isFinite(node.y)));
assert(links.every((link) => link.source.name && link.target.name));
console.log(`d3-force laid out ${nodes.length} nodes and ${links.length} links`);

const graph = cytoscape({ ...(await got(`${around}&format=cytoscape`)), headless: true });
assert.equal(graph.nodes().length, nodes.length);
assert.equal(graph.edges().length, links.length);
assert.equal(graph.data("root"), "mao-zedong");
assert.equal(graph.data("truncated"), null);
graph.layout({ name: "breadthfirst", roots: "#mao-zedong" }).run();
assert.equal(
  graph.edges('[causality = "implied"]').length,
  links.filter((link) => link.causality === "implied").length,
);

function distance(elements, from, to) {
  return elements.dijkstra({ root: elements.getElementById(from) }).distanceTo(elements.getElementById(to));
}
const reach = graph.elements().dijkstra({ root: "#mao-zedong" });
for (const node of graph.nodes()) assert.equal(reach.distanceTo(node), node.data("depth"), node.id());
const affirmed = graph.elements('node, edge[polarity = "positive"]');
const ends = ["stalin", "deng-xiaoping", "soviet-famine", "party-split", "space", "peking-university"];
let asked = 0;
for (const from of ends) {
  for (const to of ends.filter((end) => end !== from)) {
    const { data, elements } = await got(`paths?from=${from}&to=${to}&max_depth=6&format=cytoscape`);
    const length = distance(affirmed, from, to);
    assert.deepEqual([...new Set(data.paths.map((path) => path.length))], length <= 6 ? [length] : [], `${from} ${to}`);
    const drawn = cytoscape({ elements, headless: true });
    for (const path of data.paths) {
      for (const step of path.steps) drawn.getElementById(step.link).addClass("path");
    }
    assert.equal(drawn.edges(".path").length, drawn.edges().length);
    asked += 1;
  }
}
console.log(`cytoscape ${cytoscape.version} read the same, and found ${asked} paths as short`);
