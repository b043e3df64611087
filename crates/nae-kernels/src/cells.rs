//! One frame of a recurrence, forward and backward.
//!
//! Numbers of a frame lie sequence after sequence, those of a sequence gate after gate.

use crate::math::exp;
use crate::simd::SimdLoop;

/// What a recurrence does with a frame's product `p_t = W·x_t` and the state before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrentCell {
    /// `h_t = max(0, p_t + V·h_{t−1})`.
    Rnn,
    /// A gated recurrent unit (Cho et al., EMNLP 2014) with the reset gate after the product; its gates
    /// are reset, update and new state.
    Gru,
    /// A long short-term memory (Gers et al. 2000); its gates are input, forget, cell and output.
    Lstm,
}

impl RecurrentCell {
    /// Numbers of the state's size that a frame's products have.
    pub fn gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// Numbers of the state's size that the gradient of a frame needs besides the states.
    pub(crate) fn kept(self) -> usize {
        match self {
            Self::Rnn => 0,
            // reset, update, new state and its product
            Self::Gru => 4,
            // all gates and the hyperbolic tangent of the memory
            Self::Lstm => 5,
        }
    }
}

/// `1/(1 + e^{−x})`.
#[inline(always)]
fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

/// `tanh x`, within 2e-7.
#[inline(always)]
fn tanh<const FMA: bool>(x: f32) -> f32 {
    2.0 * sigmoid::<FMA>(2.0 * x) - 1.0
}

/// Part number `i` of some of one length.
#[inline(always)]
fn part(values: &[f32], i: usize, length: usize) -> &[f32] {
    &values[i * length..(i + 1) * length]
}

/// Parts of one length.
#[inline(always)]
fn parts<const N: usize>(values: &[f32], length: usize) -> [&[f32]; N] {
    std::array::from_fn(|i| part(values, i, length))
}

/// Parts of one length, to be changed.
#[inline(always)]
fn parts_mut<const N: usize>(values: &mut [f32], length: usize) -> [&mut [f32]; N] {
    let mut left = values;
    std::array::from_fn(|_| {
        let (first, rest) = std::mem::take(&mut left).split_at_mut(length);
        left = rest;
        first
    })
}

/// The next state of every sequence.
pub(crate) struct Forward<'a> {
    pub cell: RecurrentCell,
    pub units: usize,
    /// `p_t`, `[sequences, gates·units]`.
    pub own: &'a [f32],
    /// `V·h_{t−1}`, likewise.
    pub before: &'a [f32],
    /// `h_{t−1}`, `[sequences, units]`.
    pub state: &'a [f32],
    /// `h_t`, likewise.
    pub next: &'a mut [f32],
    /// The memory before this frame and after it, likewise; empty for cells that have none.
    pub memory: &'a [f32],
    pub next_memory: &'a mut [f32],
    /// What the gradient needs, `[sequences, kept·units]`.
    pub kept: &'a mut [f32],
}

impl SimdLoop for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (units, cell) = (self.units, self.cell);
        let rows = cell.gates() * units;
        for (n, next) in self.next.chunks_exact_mut(units).enumerate() {
            let (own, before) = (part(self.own, n, rows), part(self.before, n, rows));
            let kept = n * cell.kept() * units..(n + 1) * cell.kept() * units;
            let kept = &mut self.kept[kept];
            match cell {
                RecurrentCell::Rnn => {
                    for u in 0..units {
                        next[u] = (own[u] + before[u]).max(0.0);
                    }
                }
                RecurrentCell::Gru => {
                    let state = part(self.state, n, units);
                    gru::<FMA>(parts(own, units), parts(before, units), state, next, kept);
                }
                RecurrentCell::Lstm => {
                    let memory = part(self.memory, n, units);
                    let next_memory = &mut self.next_memory[n * units..(n + 1) * units];
                    let (own, before) = (parts(own, units), parts(before, units));
                    lstm::<FMA>(own, before, (memory, next_memory), next, kept);
                }
            }
        }
    }
}

/// `h ← n + z·(h − n)`, `n = tanh(p_n + r·v_n)`.
#[inline(always)]
fn gru<const FMA: bool>(
    own: [&[f32]; 3],
    before: [&[f32]; 3],
    state: &[f32],
    next: &mut [f32],
    kept: &mut [f32],
) {
    let units = next.len();
    let [resets, updates, news, products] = parts_mut::<4>(kept, units);
    for u in 0..units {
        let reset = sigmoid::<FMA>(own[0][u] + before[0][u]);
        let update = sigmoid::<FMA>(own[1][u] + before[1][u]);
        let new = tanh::<FMA>(own[2][u] + reset * before[2][u]);
        next[u] = new + update * (state[u] - new);
        (resets[u], updates[u], news[u], products[u]) = (reset, update, new, before[2][u]);
    }
}

/// `c ← f·c + i·g`, `h = o·tanh c`.
#[inline(always)]
fn lstm<const FMA: bool>(
    own: [&[f32]; 4],
    before: [&[f32]; 4],
    (memory, next_memory): (&[f32], &mut [f32]),
    next: &mut [f32],
    kept: &mut [f32],
) {
    let units = next.len();
    let [inputs, forgets, cells, outputs, bounded] = parts_mut::<5>(kept, units);
    for u in 0..units {
        let input = sigmoid::<FMA>(own[0][u] + before[0][u]);
        let forget = sigmoid::<FMA>(own[1][u] + before[1][u]);
        let cell = tanh::<FMA>(own[2][u] + before[2][u]);
        let output = sigmoid::<FMA>(own[3][u] + before[3][u]);
        let content = forget * memory[u] + input * cell;
        let within = tanh::<FMA>(content);
        next_memory[u] = content;
        next[u] = output * within;
        (inputs[u], forgets[u], cells[u]) = (input, forget, cell);
        (outputs[u], bounded[u]) = (output, within);
    }
}

/// Gradients of one frame from those of its states.
pub(crate) struct Backward<'a> {
    pub cell: RecurrentCell,
    pub units: usize,
    /// With respect to the states, that of later frames included, `[sequences, units]`; afterwards with
    /// respect to the states before but for what goes through `V`.
    pub state: &'a mut [f32],
    /// With respect to the memory, likewise; empty for cells that have none.
    pub memory: &'a mut [f32],
    /// `h_{t−1}`, `h_t` and the memory before this frame, likewise.
    pub before: &'a [f32],
    pub after: &'a [f32],
    pub memory_before: &'a [f32],
    /// What the forward pass kept.
    pub kept: &'a [f32],
    /// Becomes the gradient with respect to `p_t`, `[sequences, gates·units]`.
    pub of_own: &'a mut [f32],
    /// Becomes that with respect to `V·h_{t−1}` where it is another; empty where not.
    pub of_before: &'a mut [f32],
}

impl SimdLoop for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (units, cell) = (self.units, self.cell);
        let rows = cell.gates() * units;
        for (n, gradient) in self.state.chunks_exact_mut(units).enumerate() {
            let of_own = &mut self.of_own[n * rows..(n + 1) * rows];
            let kept = part(self.kept, n, cell.kept() * units);
            match cell {
                RecurrentCell::Rnn => {
                    let after = part(self.after, n, units);
                    for u in 0..units {
                        of_own[u] = if after[u] > 0.0 { gradient[u] } else { 0.0 };
                        gradient[u] = 0.0;
                    }
                }
                RecurrentCell::Gru => {
                    let of_before = &mut self.of_before[n * rows..(n + 1) * rows];
                    let state = part(self.before, n, units);
                    let (of_own, of_before) =
                        (parts_mut(of_own, units), parts_mut(of_before, units));
                    gru_gradient(gradient, state, parts(kept, units), of_own, of_before);
                }
                RecurrentCell::Lstm => {
                    let memory = part(self.memory_before, n, units);
                    let of_memory = &mut self.memory[n * units..(n + 1) * units];
                    let (kept, of_own) = (parts(kept, units), parts_mut(of_own, units));
                    lstm_gradient(gradient, of_memory, memory, kept, of_own);
                }
            }
        }
    }
}

#[inline(always)]
fn gru_gradient(
    gradient: &mut [f32],
    state: &[f32],
    [resets, updates, news, products]: [&[f32]; 4],
    of_own: [&mut [f32]; 3],
    of_before: [&mut [f32]; 3],
) {
    for u in 0..gradient.len() {
        let (reset, update, new) = (resets[u], updates[u], news[u]);
        let of_new = gradient[u] * (1.0 - update) * (1.0 - new * new);
        let of_reset = of_new * products[u] * reset * (1.0 - reset);
        let of_update = gradient[u] * (state[u] - new) * update * (1.0 - update);
        (of_own[0][u], of_own[1][u], of_own[2][u]) = (of_reset, of_update, of_new);
        (of_before[0][u], of_before[1][u], of_before[2][u]) = (of_reset, of_update, of_new * reset);
        gradient[u] *= update;
    }
}

#[inline(always)]
fn lstm_gradient(
    gradient: &mut [f32],
    of_memory: &mut [f32],
    memory: &[f32],
    [inputs, forgets, cells, outputs, bounded]: [&[f32]; 5],
    of_own: [&mut [f32]; 4],
) {
    for u in 0..gradient.len() {
        let (input, forget, cell, output) = (inputs[u], forgets[u], cells[u], outputs[u]);
        let within = bounded[u];
        let of_content = of_memory[u] + gradient[u] * output * (1.0 - within * within);
        of_own[0][u] = of_content * cell * input * (1.0 - input);
        of_own[1][u] = of_content * memory[u] * forget * (1.0 - forget);
        of_own[2][u] = of_content * input * (1.0 - cell * cell);
        of_own[3][u] = gradient[u] * within * output * (1.0 - output);
        of_memory[u] = of_content * forget;
        gradient[u] = 0.0;
    }
}
