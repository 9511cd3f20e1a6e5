//! Strongly connected components of a graph.

/// The sets of two or more nodes of which each can be reached from each other. `successor(node, n)` is where the edge
/// number `n` of a node leads, and `None` if it has fewer.
///
/// This is Tarjan's algorithm, in time and memory that grow as nodes and edges do. It keeps its path on the heap: a
/// chain of a million nodes would be too deep for the stack.
pub(crate) fn components(nodes: usize, successor: impl Fn(usize, usize) -> Option<usize>) -> Vec<Vec<usize>> {
    let mut search =
        Search { marks: vec![Mark::Unseen; nodes], seen: 0, open: Vec::new(), found: Vec::new() };
    let mut path: Vec<Step> = Vec::new();
    for start in 0..nodes {
        if search.marks[start] == Mark::Unseen {
            path.push(search.enter(start));
        }
        while let Some(step) = path.last_mut() {
            if let Some(next) = successor(step.node, step.edge) {
                step.edge += 1;
                match search.marks[next] {
                    Mark::Unseen => path.push(search.enter(next)),
                    Mark::Open(entered) => step.lowest = step.lowest.min(entered),
                    Mark::Closed => {}
                }
            } else {
                let lowest = step.lowest;
                search.leave(step);
                path.pop();
                if let Some(before) = path.last_mut() {
                    before.lowest = before.lowest.min(lowest);
                }
            }
        }
    }
    search.found
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Unseen,
    /// Entered as the node of this number, and not yet known to which component it belongs.
    Open(usize),
    /// Its component is complete.
    Closed,
}

/// A node on the path from the start of the search to where it is.
struct Step {
    node: usize,
    entered: usize,
    /// The edge to look at next.
    edge: usize,
    /// The first entered of the open nodes that can be reached from here, as far as is known.
    lowest: usize,
}

struct Search {
    marks: Vec<Mark>,
    seen: usize,
    /// The open nodes in the order in which they were entered.
    open: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Search {
    fn enter(&mut self, node: usize) -> Step {
        let entered = self.seen;
        self.seen += 1;
        self.marks[node] = Mark::Open(entered);
        self.open.push(node);
        Step { node, entered, edge: 0, lowest: entered }
    }

    /// All edges of a node have been looked at. If none of them led to a node before it, then it and the open nodes
    /// after it are a component.
    fn leave(&mut self, step: &Step) {
        if step.lowest < step.entered {
            return;
        }
        let first = self.open.iter().rposition(|node| *node == step.node).unwrap_or_default();
        let component = self.open.split_off(first);
        for node in &component {
            self.marks[*node] = Mark::Closed;
        }
        if component.len() > 1 {
            self.found.push(component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(nodes: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let successor =
            |node, edge| edges.iter().filter(|(from, _)| *from == node).nth(edge).map(|(_, to)| *to);
        let mut found = components(nodes, successor);
        for component in &mut found {
            component.sort_unstable();
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn components_of_small_graphs() {
        type Row<'a> = (&'a str, usize, &'a [(usize, usize)], &'a [&'a [usize]]);
        let table: [Row<'_>; 9] = [
            ("nothing", 0, &[], &[]),
            ("no edges", 3, &[], &[]),
            ("a chain", 4, &[(0, 1), (1, 2), (2, 3)], &[]),
            ("a diamond", 4, &[(0, 1), (0, 2), (1, 3), (2, 3)], &[]),
            ("a pair", 2, &[(0, 1), (1, 0)], &[&[0, 1]]),
            (
                "a ring with a tail before and after",
                5,
                &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)],
                &[&[1, 2, 3]],
            ),
            (
                "two rings, one leads to the other",
                4,
                &[(0, 1), (1, 0), (1, 2), (2, 3), (3, 2)],
                &[&[0, 1], &[2, 3]],
            ),
            (
                "two rings with a common node",
                5,
                &[(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 2)],
                &[&[0, 1, 2, 3, 4]],
            ),
            ("an edge into a closed component", 4, &[(1, 0), (1, 2), (2, 1), (2, 0), (3, 2)], &[&[1, 2]]),
        ];
        for (case, nodes, edges, expected) in table {
            assert_eq!(of(nodes, edges), expected, "{case}");
        }
    }

    #[test]
    fn a_ring_of_a_million_nodes_needs_no_stack() {
        const NODES: usize = 1_000_000;
        let ring = components(NODES, |node, edge| (edge == 0).then_some((node + 1) % NODES));
        assert_eq!(ring.len(), 1);
        assert_eq!(ring[0].len(), NODES);
        let chain = components(NODES, |node, edge| (edge == 0 && node + 1 < NODES).then_some(node + 1));
        assert!(chain.is_empty());
    }
}
