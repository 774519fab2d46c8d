//! A preset as a graph: who feeds whom, which steps a loop repeats, and in which order things can happen.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::check::{Catalogue, Problem, Severity};
use crate::id::StepId;
use crate::manifest::Effect;
use crate::preset::{OnError, Preset, Wire};

/// The component whose `loop` port repeats what hangs on it.
pub const LOOP: &str = "loop";
/// The output port of [`LOOP`] that its body hangs on.
pub const LOOP_BODY: &str = "loop";
/// The output port of [`LOOP`] that gives what came back.
pub const LOOP_DONE: &str = "done";
/// The input port of [`LOOP`] that takes what the body gives.
pub const LOOP_BACK: &str = "back";
/// The output port that every step with `on_error: port` has.
pub const ERROR_PORT: &str = "error";
/// The component that starts another preset.
pub const SUB_PRESET: &str = "sub-preset";

/// A preset as a graph. Vertices are steps and triggers, in the order of their ids.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// All steps and triggers.
    pub vertices: Vec<Vertex>,
    by_id: HashMap<StepId, usize>,
    by_name: HashMap<String, usize>,
}

/// One step or trigger.
#[derive(Debug, Clone)]
pub struct Vertex {
    /// Its id.
    pub id: StepId,
    /// Its name for people and for `$('name')`.
    pub name: String,
    /// Whether it is a trigger.
    pub is_trigger: bool,
    /// Its component's name.
    pub component: String,
    /// What repeating it would do.
    pub effect: Effect,
    /// Input ports with the wires that feed them, in the order of their sources.
    pub inputs: Vec<Input>,
    /// Output ports with what they feed; `error` is the last one where the step has it.
    pub outputs: Vec<Output>,
    /// The loops around it, outermost first, as vertex numbers.
    pub scope: Vec<usize>,
    /// For a loop: how many vertices it repeats directly, those of inner loops not counted.
    pub members: usize,
}

impl Vertex {
    /// Whether it repeats what hangs on it.
    #[must_use]
    pub fn is_loop(&self) -> bool {
        !self.is_trigger && self.component == LOOP
    }

    /// The number of the output port with that name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|port| port.name == name)
    }

    /// How many wires must deliver before it can run; the way back into a loop is not one of them.
    #[must_use]
    pub fn wires_in(&self) -> usize {
        let counts = |port: &&Input| !(self.is_loop() && port.name == LOOP_BACK);
        self.inputs.iter().filter(counts).map(|port| port.from.len()).sum()
    }
}

/// An input port.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// `(vertex, output port)` of each wire.
    pub from: Vec<(usize, usize)>,
}

/// An output port.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// `(vertex, input port)` of each wire.
    pub to: Vec<(usize, usize)>,
}

impl Plan {
    /// The graph of `preset`, and every problem of its shape. A plan with problems of severity error must not be run.
    pub fn build(preset: &Preset, catalogue: &dyn Catalogue) -> (Self, Vec<Problem>) {
        let mut plan = Self::default();
        let mut problems = Vec::new();
        plan.add_vertices(preset, catalogue);
        plan.add_wires(preset, &mut problems);
        plan.find_loops(&mut problems);
        plan.find_cycles(&mut problems);
        if !preset.triggers.is_empty() {
            plan.find_unreachable(&mut problems);
        }
        (plan, problems)
    }

    /// The vertex with that id.
    #[must_use]
    pub fn vertex(&self, id: &StepId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The vertex with that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied().or_else(|| self.by_id.get(name).copied())
    }

    /// Every vertex that something from `start` can reach, `start` included.
    #[must_use]
    pub fn downstream(&self, start: usize) -> BTreeSet<usize> {
        self.reach([start], |_, _| true)
    }

    fn reach(
        &self, starts: impl IntoIterator<Item = usize>, follow: impl Fn(usize, (usize, usize)) -> bool,
    ) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = starts.into_iter().collect();
        let mut open: Vec<usize> = found.iter().copied().collect();
        while let Some(at) = open.pop() {
            for target in self.vertices[at].outputs.iter().flat_map(|port| &port.to) {
                if follow(at, *target) && found.insert(target.0) {
                    open.push(target.0);
                }
            }
        }
        found
    }

    fn add_vertices(&mut self, preset: &Preset, catalogue: &dyn Catalogue) {
        let triggers = preset.triggers.iter().map(|(id, it)| (id, &it.component, &it.name, &it.config, true, false));
        let steps = preset
            .steps
            .iter()
            .map(|(id, it)| (id, &it.component, &it.name, &it.config, false, it.on_error == OnError::Port));
        let mut all: Vec<_> = triggers.chain(steps).collect();
        all.sort_by(|one, other| one.0.cmp(other.0));
        for (id, component, name, config, is_trigger, has_error_port) in all {
            let ports = catalogue.ports(component, config);
            let (inputs, outputs) = ports.map_or((Vec::new(), Vec::new()), |ports| (ports.inputs, ports.outputs));
            let mut outputs: Vec<Output> =
                outputs.into_iter().map(|port| Output { name: port.name, to: Vec::new() }).collect();
            if has_error_port && !outputs.iter().any(|port| port.name == ERROR_PORT) {
                outputs.push(Output { name: ERROR_PORT.to_owned(), to: Vec::new() });
            }
            let inputs = if is_trigger { Vec::new() } else { inputs };
            let name = name.clone().unwrap_or_else(|| id.to_string());
            let number = self.vertices.len();
            self.by_id.insert(id.clone(), number);
            self.by_name.entry(name.clone()).or_insert(number);
            self.vertices.push(Vertex {
                id: id.clone(),
                name,
                is_trigger,
                component: component.clone(),
                effect: catalogue.effect(component, config).unwrap_or(Effect::External),
                inputs: inputs.into_iter().map(|port| Input { name: port.name, from: Vec::new() }).collect(),
                outputs,
                scope: Vec::new(),
                members: 0,
            });
        }
    }

    fn add_wires(&mut self, preset: &Preset, problems: &mut Vec<Problem>) {
        for (id, wire) in &preset.wires {
            let place = format!("/wires/{}", pointer(id.as_str()));
            let from = self.end(&wire.from.step, &wire.from.port, true, preset, &format!("{place}/from"), problems);
            let to = self.end(&wire.to.step, &wire.to.port, false, preset, &format!("{place}/to"), problems);
            if let (Some(from), Some(to)) = (from, to) {
                if self.vertices[to.0].inputs[to.1].from.contains(&from) {
                    problems.push(Problem {
                        severity: Severity::Error,
                        code: "double-wire".to_owned(),
                        place,
                        message: format!("{} is drawn twice", show(wire)),
                        suggestion: Some("remove one of the two".to_owned()),
                    });
                    continue;
                }
                self.vertices[from.0].outputs[from.1].to.push(to);
                self.vertices[to.0].inputs[to.1].from.push(from);
            }
        }
        for vertex in &mut self.vertices {
            vertex.inputs.iter_mut().for_each(|port| port.from.sort_unstable());
            vertex.outputs.iter_mut().for_each(|port| port.to.sort_unstable());
        }
    }

    fn end(
        &self, step: &StepId, port: &str, is_source: bool, preset: &Preset, place: &str, problems: &mut Vec<Problem>,
    ) -> Option<(usize, usize)> {
        let Some(vertex) = self.vertex(step) else {
            problems.push(Problem {
                severity: Severity::Error,
                code: "wire-without-step".to_owned(),
                place: place.to_owned(),
                message: format!("there is no step or trigger `{step}`"),
                suggestion: nearest(step.as_str(), self.vertices.iter().map(|vertex| vertex.id.as_str()))
                    .map(|id| format!("did you mean `{id}`?")),
            });
            return None;
        };
        let it = &self.vertices[vertex];
        if it.inputs.is_empty() && it.outputs.is_empty() {
            // Of an unknown component, which is told where it is named.
            return None;
        }
        let names: Vec<&str> = if is_source {
            self.vertices[vertex].outputs.iter().map(|port| port.name.as_str()).collect()
        } else {
            self.vertices[vertex].inputs.iter().map(|port| port.name.as_str()).collect()
        };
        let found = names.iter().position(|name| *name == port);
        if found.is_none() {
            let known = preset.steps.get(step).is_none_or(|step| !step.component.is_empty());
            let direction = if is_source { "output" } else { "input" };
            let suggestion = if is_source && port == ERROR_PORT {
                "give the step `on_error: port` to get an error port".to_owned()
            } else if names.is_empty() && known {
                format!("`{step}` has no {direction} ports")
            } else {
                format!(
                    "its {direction} ports are {}",
                    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                )
            };
            problems.push(Problem {
                severity: Severity::Error,
                code: "unknown-port".to_owned(),
                place: format!("{place}/port"),
                message: format!("`{step}` has no {direction} port `{port}`"),
                suggestion: Some(suggestion),
            });
        }
        found.map(|port| (vertex, port))
    }

    fn find_loops(&mut self, problems: &mut Vec<Problem>) {
        let mut bodies: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (number, vertex) in self.vertices.iter().enumerate().filter(|(_, vertex)| vertex.is_loop()) {
            let starts = vertex.output(LOOP_BODY).map(|port| vertex.outputs[port].to.clone()).unwrap_or_default();
            let body = self.reach(starts.iter().map(|to| to.0).filter(|to| *to != number), |_, to| to.0 != number);
            bodies.insert(number, body);
        }
        for (head, body) in &bodies {
            self.check_loop(*head, body, problems);
        }
        for (number, vertex) in self.vertices.iter_mut().enumerate() {
            let mut scope: Vec<usize> =
                bodies.iter().filter(|(_, body)| body.contains(&number)).map(|it| *it.0).collect();
            // A loop around another one repeats more.
            scope.sort_by_key(|head| std::cmp::Reverse(bodies[head].len()));
            let nested = scope.windows(2).all(|pair| bodies[&pair[0]].contains(&pair[1]));
            if !nested {
                problems.push(Problem {
                    severity: Severity::Error,
                    code: "loops-cross".to_owned(),
                    place: format!("/steps/{}", pointer(vertex.id.as_str())),
                    message: format!("`{}` is repeated by two loops that are not inside each other", vertex.name),
                    suggestion: Some("let one loop end (its `done` port) before the other begins".to_owned()),
                });
            }
            vertex.scope = scope;
        }
        let direct: Vec<usize> = self.vertices.iter().filter_map(|vertex| vertex.scope.last().copied()).collect();
        for head in direct {
            self.vertices[head].members += 1;
        }
    }

    fn check_loop(&self, head: usize, body: &BTreeSet<usize>, problems: &mut Vec<Problem>) {
        let mut report = |code: &str, from: usize, to: usize, message: String, suggestion: &str| {
            let _ = from;
            problems.push(Problem {
                severity: Severity::Error,
                code: code.to_owned(),
                place: format!("/steps/{}", pointer(self.vertices[to].id.as_str())),
                message,
                suggestion: Some(suggestion.to_owned()),
            });
        };
        let name = |number: usize| &self.vertices[number].name;
        for (number, vertex) in self.vertices.iter().enumerate() {
            for input in &vertex.inputs {
                let is_back = number == head && input.name == LOOP_BACK;
                for (source, port) in &input.from {
                    let from_body_port = *source == head && self.vertices[head].outputs[*port].name == LOOP_BODY;
                    if body.contains(&number) && !body.contains(source) && !from_body_port {
                        report(
                            "wire-into-loop",
                            *source,
                            number,
                            format!(
                                "`{}` is repeated by the loop `{}`, but `{}` outside it feeds it",
                                name(number),
                                name(head),
                                name(*source)
                            ),
                            "read the outer step with $('name') in an expression, or feed it through the loop",
                        );
                    } else if is_back && !body.contains(source) && !from_body_port {
                        report(
                            "back-from-outside",
                            *source,
                            number,
                            format!(
                                "`{}` feeds the `back` port of `{}` but is not repeated by it",
                                name(*source),
                                name(head)
                            ),
                            "wire only steps that hang on the `loop` port back",
                        );
                    } else if number == head && !is_back && body.contains(source) {
                        report(
                            "cycle",
                            *source,
                            number,
                            format!("`{}` feeds `{}` which comes before it", name(*source), name(head)),
                            "wire it to the loop's `back` port",
                        );
                    }
                }
            }
        }
    }

    fn find_cycles(&self, problems: &mut Vec<Problem>) {
        let mut open: Vec<usize> = self.vertices.iter().map(Vertex::wires_in).collect();
        let mut ready: Vec<usize> = (0..open.len()).filter(|number| open[*number] == 0).collect();
        let mut left: BTreeSet<usize> = (0..open.len()).collect();
        while let Some(at) = ready.pop() {
            left.remove(&at);
            for (target, port) in self.vertices[at].outputs.iter().flat_map(|port| &port.to) {
                let to = &self.vertices[*target];
                if to.is_loop() && to.inputs[*port].name == LOOP_BACK {
                    continue;
                }
                open[*target] -= 1;
                if open[*target] == 0 {
                    ready.push(*target);
                }
            }
        }
        // What only hangs behind a cycle is not part of it.
        let in_cycle: Vec<usize> = left
            .iter()
            .copied()
            .filter(|at| self.vertices[*at].outputs.iter().flat_map(|port| &port.to).any(|to| left.contains(&to.0)))
            .collect();
        if let Some(first) = in_cycle.first() {
            let names: Vec<String> = in_cycle.iter().map(|at| format!("`{}`", self.vertices[*at].name)).collect();
            problems.push(Problem {
                severity: Severity::Error,
                code: "cycle".to_owned(),
                place: format!("/steps/{}", pointer(self.vertices[*first].id.as_str())),
                message: format!("{} feed each other in a circle", names.join(", ")),
                suggestion: Some(
                    "repeat steps with a `loop` step: its `loop` port starts a round, its `back` port ends it"
                        .to_owned(),
                ),
            });
        }
    }

    fn find_unreachable(&self, problems: &mut Vec<Problem>) {
        let triggers =
            self.vertices.iter().enumerate().filter(|(_, vertex)| vertex.is_trigger).map(|(number, _)| number);
        let reached = self.reach(triggers, |_, _| true);
        for (number, vertex) in self.vertices.iter().enumerate() {
            if !reached.contains(&number) {
                problems.push(Problem {
                    severity: Severity::Warning,
                    code: "unreachable-step".to_owned(),
                    place: format!("/steps/{}", pointer(vertex.id.as_str())),
                    message: format!("nothing leads to `{}`, so it never runs", vertex.name),
                    suggestion: Some("wire a trigger or another step to it, or remove it".to_owned()),
                });
            }
        }
    }
}

fn show(wire: &Wire) -> String {
    format!("the wire {}:{} -> {}:{}", wire.from.step, wire.from.port, wire.to.step, wire.to.port)
}

/// `name` as one token of a JSON Pointer (RFC 6901).
#[must_use]
pub fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The known word that `word` was most likely meant to be, if one is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |candidate: &&str| distance(word, candidate);
    let best = known.into_iter().min_by_key(near)?;
    (distance(word, best) <= 1 + word.chars().count() / 3).then_some(best)
}

/// Levenshtein's edit distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, candidate) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *candidate);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}
