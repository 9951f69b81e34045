//! All memory of a step, allocated once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nn_engine::EngineError;
use nn_engine::plan::Plan;
use nn_graph::{Graph, NodeId};

use crate::chunks::{Chunks, MOST};
use crate::compiling::{Compiling, Tensor};
use crate::layout::Layout;
use crate::memory::{Buffer, zeros};
use crate::norm::{self, Mode, Norm};
use crate::pool::Pool;
use crate::replica::{Replica, Statistics};
use crate::simd::Level;

/// Activations, gradients and scratch space for one batch of the largest size. Replicas take turns.
pub(crate) struct Workspace {
    /// Tensor of each node, `[batch][image]` in its layout; empty for nodes inside a group.
    pub(crate) activations: Vec<Buffer>,
    /// Gradient buffers, one for each slot of the plan.
    pub(crate) gradients: Vec<Buffer>,
    /// Gradient of each parameter, in the parameter's own shape.
    pub(crate) parameter_gradients: Vec<Vec<f32>>,
    /// What normalisations have found, one for each in the plan's order.
    pub(crate) norms: Vec<Norm>,
    /// Partial weight gradients of each chunk.
    pub(crate) partial: Buffer,
    /// What one thread needs for the images it is at.
    threads: Vec<Mutex<Buffer>>,
}

impl Workspace {
    pub(crate) fn new(context: &Compiling<'_>, scratch: Scratch) -> Result<Self, EngineError> {
        let Compiling {
            graph,
            plan,
            layouts,
            batch_size,
            threads,
        } = *context;
        let tensor = |id: NodeId| Buffer::zeros(batch_size * layouts[id.index()].image());
        let mut activations = Vec::new();
        activations.resize_with(graph.nodes().len(), Buffer::default);
        for id in activated(graph, plan) {
            activations[id.index()] = tensor(id)?;
        }
        let gradients = plan.gradient_slots().iter().map(|&id| tensor(id));
        let parameters = graph.parameters().iter();
        Ok(Self {
            activations,
            gradients: gradients.collect::<Result<_, _>>()?,
            parameter_gradients: parameters
                .map(|parameter| zeros(parameter.elements()))
                .collect::<Result<_, _>>()?,
            norms: norm::norms(context)?,
            partial: Buffer::zeros(MOST * scratch.partial)?,
            threads: (0..threads)
                .map(|_| Buffer::zeros(scratch.thread).map(Mutex::new))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The scratch values of the thread that asks, one of the engine's. Nobody waits: a thread has finished its images before it takes
    /// others.
    pub(crate) fn scratch(&self) -> MutexGuard<'_, Buffer> {
        locked(&self.threads[Pool::position()])
    }

    /// Bytes of activations and gradients for one image, before anything is allocated.
    pub(crate) fn bytes_per_image(graph: &Graph, plan: &Plan, layouts: &[Layout]) -> u128 {
        let tensors = activated(graph, plan).chain(plan.gradient_slots().iter().copied());
        tensors.map(|id| layouts[id.index()].bytes()).sum()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let floats = |lists: &[Buffer]| lists.iter().map(|list| list.len()).sum::<usize>();
        let gradients = self.parameter_gradients.iter().map(Vec::len).sum::<usize>();
        let scratch = self.threads.iter().map(|thread| locked(thread).len());
        let scratch = scratch.sum::<usize>();
        let norms = self.norms.iter().map(Norm::bytes).sum::<usize>();
        4 * (floats(&self.activations) + floats(&self.gradients) + gradients + scratch)
            + 4 * self.partial.len()
            + norms
    }
}

fn locked(scratch: &Mutex<Buffer>) -> MutexGuard<'_, Buffer> {
    scratch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The nodes whose tensors are kept: the input, and what groups write that is not made anew by its readers.
fn activated(graph: &Graph, plan: &Plan) -> impl Iterator<Item = NodeId> {
    let input = graph.node_ids().take(1);
    let outputs = plan.groups().iter().map(|group| group.output);
    input.chain(outputs.filter(|&output| plan.is_stored(output)))
}

/// Scratch values an operation needs, for each chunk and for each thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scratch {
    /// float32 values of [`Workspace::partial`].
    pub(crate) partial: usize,
    /// float32 values of [`Workspace::scratch`].
    pub(crate) thread: usize,
}

impl Scratch {
    /// Bytes that a workspace has of it, before anything is allocated.
    pub(crate) fn bytes(self, threads: usize) -> u128 {
        4 * (MOST as u128 * self.partial as u128 + threads as u128 * self.thread as u128)
    }

    /// What serves both.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            partial: self.partial.max(other.partial),
            thread: self.thread.max(other.thread),
        }
    }
}

/// One pass of one replica over one batch: what an operation may touch.
pub(crate) struct Pass<'a> {
    pub(crate) level: Level,
    pub(crate) mode: Mode,
    pub(crate) chunks: Chunks<'a>,
    pub(crate) parameters: &'a [Vec<f32>],
    pub(crate) statistics: &'a mut [Statistics],
    /// Factors still due on each normalisation's running mean and variance.
    pub(crate) statistics_factors: &'a [(f64, f64)],
    pub(crate) workspace: &'a mut Workspace,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(
        level: Level,
        mode: Mode,
        images: usize,
        replica: &'a mut Replica,
        statistics_factors: &'a [(f64, f64)],
        (pool, workspace): (&'a Pool, &'a mut Workspace),
    ) -> Self {
        Self {
            level,
            mode,
            chunks: Chunks::new(images, pool),
            parameters: &replica.parameters,
            statistics: &mut replica.statistics,
            statistics_factors,
            workspace,
        }
    }

    /// Changes a tensor: calls `work(workspace, first image, these images of the tensor)` for every
    /// chunk. The workspace that `work` reads lacks the tensor itself.
    pub(crate) fn map_activation(
        &mut self,
        tensor: &Tensor,
        work: impl Fn(&Workspace, usize, &mut [f32]) + Sync,
    ) {
        let mut target = std::mem::take(&mut self.workspace.activations[tensor.node]);
        self.map(&mut target, tensor, work);
        self.workspace.activations[tensor.node] = target;
    }

    /// As [`map_activation`](Self::map_activation), for the tensor's gradient where it has one.
    pub(crate) fn map_gradient(
        &mut self,
        tensor: &Tensor,
        work: impl Fn(&Workspace, usize, &mut [f32]) + Sync,
    ) {
        let Some(slot) = tensor.slot else { return };
        let mut target = std::mem::take(&mut self.workspace.gradients[slot]);
        self.map(&mut target, tensor, work);
        self.workspace.gradients[slot] = target;
    }

    fn map(
        &self,
        target: &mut [f32],
        tensor: &Tensor,
        work: impl Fn(&Workspace, usize, &mut [f32]) + Sync,
    ) {
        let workspace = &*self.workspace;
        let image = tensor.layout.image();
        self.chunks
            .map(target, image, |first, part| work(workspace, first, part));
    }
}
