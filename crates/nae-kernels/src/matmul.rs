//! Matrix product of small matrices.
//!
//! Burn's own calls the same library, gemm, but fills the result with zeros first and then copies it
//! into another buffer; on models as small as these that is noticeable. Where dot products are faster
//! than the library (`dot_products`), they take its place.
//!
//! Measured gain (one thread, AVX2, `cargo run --release --example kernels -- matmul`): decoders'
//! products 1.2 to 1.6 times forward; with both gradients 1.05 to 1.24 times; products whose result is
//! small (encoders') 1.0 times forward. Most of a step is spent in products, so that it counts all the
//! same.
//!
//! Upstream: burn-flex could let gemm write to an uninitialised result; then this file would go but
//! for the dot products.

use std::mem::MaybeUninit;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, binary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use crate::dot_products::{self, Rows};
use crate::flex::{FlexTensor, has_kernels};

/// Multiplications above which a product is worth dividing among threads.
const PARALLEL: usize = 192 * 192 * 192;

/// `A·B` of every batch item.
///
/// # Shapes
/// - `a`: `[batch, rows, inner]`; `b`: `[batch, inner, columns]`; either may have one item for all
/// - output: `[batch, rows, columns]`
///
/// # Panics
/// If the shapes do not fit.
pub fn matmul(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    let ([batch, _, inner], [others, same, _]) = (a.dims(), b.dims());
    assert!(
        inner == same && (batch == others || batch == 1 || others == 1),
        "matrices {:?} and {:?} have no product",
        a.dims(),
        b.dims()
    );
    // one item for all would need a sum over the batch in its gradient
    let has_gradient = batch == others || !a.device().is_autodiff();
    if has_kernels(&a) && has_kernels(&b) && has_gradient {
        let (a, b) = (a.into_dispatch(), b.into_dispatch());
        Tensor::from_dispatch(<Dispatch as MatmulOps>::matmul(a, b))
    } else {
        composite(a, b)
    }
}

/// [`matmul`] as Burn has it.
pub fn composite(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    a.matmul(b)
}

/// What a backend needs for [`matmul`].
#[backend_extension(Flex, Autodiff)]
pub(crate) trait MatmulOps: Backend {
    /// See [`matmul`].
    fn matmul(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl MatmulOps for Flex {
    fn matmul(a: FlexTensor, b: FlexTensor) -> FlexTensor {
        multiply(&a, &b)
    }
}

impl<C: CheckpointStrategy> MatmulOps for Autodiff<Flex, C> {
    fn matmul(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Matmul;

        impl Backward<Flex, 2> for Matmul {
            type State = (FlexTensor, FlexTensor);

            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                gradients: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let (a, b) = ops.state;
                binary::<Flex, _, _>(
                    ops.parents,
                    ops.node,
                    gradients,
                    // G·Bᵀ and Aᵀ·G
                    |gradient| multiply(&gradient, &b.transpose(1, 2)),
                    |gradient| multiply(&a.transpose(1, 2), &gradient),
                );
            }
        }

        let nodes = [a.node(), b.node()];
        let (a, b) = (a.into_primitive(), b.into_primitive());
        let product = multiply(&a, &b);
        match Matmul.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((a, b), product),
            OpsKind::UnTracked(prep) => prep.finish(product),
        }
    }
}

/// Matrices of one shape at regular places in a slice.
struct Matrices<'a> {
    values: &'a [f32],
    shape: [usize; 3],
    strides: [usize; 3],
}

impl<'a> Matrices<'a> {
    /// A tensor's, if it runs forwards along every dimension.
    fn new(tensor: &'a FlexTensor) -> Option<Self> {
        let layout = tensor.layout();
        let shape: [usize; 3] = layout.shape().as_slice().try_into().ok()?;
        let strides: Vec<usize> = layout
            .strides()
            .iter()
            .map(|&s| s.try_into().ok())
            .collect::<Option<_>>()?;
        let strides = strides.try_into().ok()?;
        let values = tensor.storage().get(layout.start_offset()..)?;
        Self::over(values, shape, strides)
    }

    /// None if they would reach beyond the slice.
    fn over(values: &'a [f32], shape: [usize; 3], strides: [usize; 3]) -> Option<Self> {
        let reach = |(size, stride): (&usize, &usize)| (size.max(&1) - 1) * stride;
        let last: usize = shape.iter().zip(&strides).map(reach).sum();
        let is_inside = last < values.len() || shape.contains(&0);
        is_inside.then_some(Self {
            values,
            shape,
            strides,
        })
    }

    /// One batch item's rows, if numbers of a row are neighbours.
    fn rows(&self, item: usize) -> Option<Rows<'a>> {
        (self.strides[2] == 1).then(|| Rows {
            values: self.item(item),
            stride: self.strides[1],
            length: self.shape[2],
        })
    }

    /// One batch item's columns, if numbers of a column are neighbours.
    fn columns(&self, item: usize) -> Option<Rows<'a>> {
        (self.strides[1] == 1).then(|| Rows {
            values: self.item(item),
            stride: self.strides[2],
            length: self.shape[1],
        })
    }

    /// Where batch item number `item` begins; the only one for all.
    fn item(&self, item: usize) -> &'a [f32] {
        match self.shape[0] {
            1 => self.values,
            _ => &self.values[item * self.strides[0]..],
        }
    }
}

/// `A·B`.
fn multiply(a: &FlexTensor, b: &FlexTensor) -> FlexTensor {
    let (Some(left), Some(right)) = (Matrices::new(a), Matrices::new(b)) else {
        return multiply(&a.to_contiguous(), &b.to_contiguous());
    };
    fill(&left, &right)
}

/// `A·B`, row after row.
fn fill(a: &Matrices<'_>, b: &Matrices<'_>) -> FlexTensor {
    let ([_, rows, inner], [_, _, columns]) = (a.shape, b.shape);
    let batch = a.shape[0].max(b.shape[0]);
    let size = rows * columns;
    let mut values: Vec<f32> = Vec::with_capacity(batch * size);
    let room = &mut values.spare_capacity_mut()[..batch * size];
    let is_large = rows * columns * inner >= PARALLEL;
    let threads = rayon::current_num_threads();
    if threads > 1 && batch > 1 && batch * rows * columns * inner >= PARALLEL {
        let items = room.par_chunks_mut(size.max(1)).enumerate();
        items.for_each(|(item, c)| one(a, b, item, c, gemm::Parallelism::None));
    } else {
        let parallelism = match threads {
            2.. if is_large => gemm::Parallelism::Rayon(0),
            _ => gemm::Parallelism::None,
        };
        for (item, c) in room.chunks_mut(size.max(1)).enumerate() {
            one(a, b, item, c, parallelism);
        }
    }
    #[allow(unsafe_code, reason = "the buffer was not filled before")]
    // SAFETY: every batch item's product was written above, and a product writes all its entries.
    unsafe {
        values.set_len(batch * size);
    }
    FlexTensor::from_data(TensorData::new(values, [batch, rows, columns]))
}

/// One batch item's product, row after row.
fn one(
    a: &Matrices<'_>,
    b: &Matrices<'_>,
    item: usize,
    c: &mut [MaybeUninit<f32>],
    parallelism: gemm::Parallelism,
) {
    let ([_, rows, inner], [_, _, columns]) = (a.shape, b.shape);
    assert!(c.len() == rows * columns && inner == b.shape[1]);
    // neither threads nor batches decide, only the matrices: results must not depend on them
    if rows * columns * inner < PARALLEL
        && dot_products::are_faster(rows, columns, inner)
        && let (Some(a), Some(b)) = (a.rows(item), b.columns(item))
    {
        dot_products::fill(a, b, columns, c);
        return;
    }
    #[allow(unsafe_code, reason = "the matrix product library takes pointers")]
    // SAFETY: `c` has room for the product, checked here; the factors lie within their slices,
    // checked when they were made; `c` is not read.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            c.as_mut_ptr().cast::<f32>(),
            1,
            columns as isize,
            false,
            a.item(item).as_ptr(),
            a.strides[2] as isize,
            a.strides[1] as isize,
            b.item(item).as_ptr(),
            b.strides[2] as isize,
            b.strides[1] as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
