//! The matrix product, and its gradient.
//!
//! Burn's own calls the same library, but fills the result with zeros first and then copies it into
//! another buffer; on models as small as these that costs a quarter of what the product does. Where
//! dot products are faster than the library (`dots`), they take its place.

use std::mem::MaybeUninit;

use burn::backend::Dispatch;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, binary};
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Tensor, TensorData};
use gemm::Parallelism;
use rayon::prelude::*;

use crate::dots::{self, Rows};
use crate::is_fused;
use crate::ops::{Kernels, Passes};
use crate::slices::FlexTensor;

/// Multiplications above which a product is worth sharing out among threads.
const PARALLEL: usize = 192 * 192 * 192;

/// `A·B` of every scene.
///
/// # Shapes
/// - `a`: `[scenes, rows, inner]`; `b`: `[scenes, inner, columns]`; either may have one scene for all
/// - output: `[scenes, rows, columns]`
///
/// # Panics
/// If the shapes do not fit.
pub fn product(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    let ([scenes, _, inner], [others, same, _]) = (a.dims(), b.dims());
    assert!(
        inner == same && (scenes == others || scenes == 1 || others == 1),
        "matrices {:?} and {:?} have no product",
        a.dims(),
        b.dims()
    );
    // one scene for all would need a sum over scenes in its gradient
    let is_fused = is_fused(&a) && is_fused(&b);
    if is_fused && (scenes == others || !a.device().is_autodiff()) {
        let (a, b) = (a.into_dispatch(), b.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Kernels>::product(a, b))
    } else {
        composite(a, b)
    }
}

/// [`product`] as Burn has it.
pub fn composite(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    a.matmul(b)
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

    /// One scene's rows, if numbers of a row are neighbours.
    fn rows(&self, scene: usize) -> Option<Rows<'a>> {
        (self.strides[2] == 1).then(|| Rows {
            values: self.scene(scene),
            stride: self.strides[1],
            length: self.shape[2],
        })
    }

    /// One scene's columns, if numbers of a column are neighbours.
    fn columns(&self, scene: usize) -> Option<Rows<'a>> {
        (self.strides[1] == 1).then(|| Rows {
            values: self.scene(scene),
            stride: self.strides[2],
            length: self.shape[1],
        })
    }

    /// Where scene number `scene` begins; the only one for all.
    fn scene(&self, scene: usize) -> &'a [f32] {
        match self.shape[0] {
            1 => self.values,
            _ => &self.values[scene * self.strides[0]..],
        }
    }
}

/// `A·B`.
pub(crate) fn multiply(a: &FlexTensor, b: &FlexTensor) -> FlexTensor {
    let (Some(left), Some(right)) = (Matrices::new(a), Matrices::new(b)) else {
        return multiply(&a.to_contiguous(), &b.to_contiguous());
    };
    fill(&left, &right)
}

/// `A·B`, row after row.
fn fill(a: &Matrices<'_>, b: &Matrices<'_>) -> FlexTensor {
    let ([_, rows, inner], [_, _, columns]) = (a.shape, b.shape);
    let scenes = a.shape[0].max(b.shape[0]);
    let size = rows * columns;
    let mut values: Vec<f32> = Vec::with_capacity(scenes * size);
    let room = &mut values.spare_capacity_mut()[..scenes * size];
    let is_large = rows * columns * inner >= PARALLEL;
    let threads = rayon::current_num_threads();
    if threads > 1 && scenes > 1 && scenes * rows * columns * inner >= PARALLEL {
        let scenes = room.par_chunks_mut(size.max(1)).enumerate();
        scenes.for_each(|(scene, c)| one(a, b, scene, c, Parallelism::None));
    } else {
        let parallelism = match threads {
            2.. if is_large => Parallelism::Rayon(0),
            _ => Parallelism::None,
        };
        for (scene, c) in room.chunks_mut(size.max(1)).enumerate() {
            one(a, b, scene, c, parallelism);
        }
    }
    #[allow(unsafe_code, reason = "the buffer was not filled before")]
    // SAFETY: every scene's product was written above, and a product writes all its entries.
    unsafe {
        values.set_len(scenes * size);
    }
    FlexTensor::from_data(TensorData::new(values, [scenes, rows, columns]))
}

/// One scene's product, row after row.
fn one(
    a: &Matrices<'_>,
    b: &Matrices<'_>,
    scene: usize,
    c: &mut [MaybeUninit<f32>],
    parallelism: Parallelism,
) {
    let ([_, rows, inner], [_, _, columns]) = (a.shape, b.shape);
    assert!(c.len() == rows * columns && inner == b.shape[1]);
    // neither threads nor stacks decide, only the matrices: results must not depend on them
    if rows * columns * inner < PARALLEL
        && dots::are_faster(rows, columns, inner)
        && let (Some(a), Some(b)) = (a.rows(scene), b.columns(scene))
    {
        dots::fill(a, b, columns, c);
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
            a.scene(scene).as_ptr(),
            a.strides[2] as isize,
            a.strides[1] as isize,
            b.scene(scene).as_ptr(),
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

/// `G·Bᵀ`, the gradient with respect to `A`.
pub(crate) fn left_gradient(gradient: &FlexTensor, b: &FlexTensor) -> FlexTensor {
    multiply(gradient, &b.transpose(1, 2))
}

/// `Aᵀ·G`, the gradient with respect to `B`.
pub(crate) fn right_gradient(gradient: &FlexTensor, a: &FlexTensor) -> FlexTensor {
    multiply(&a.transpose(1, 2), gradient)
}

/// [`Kernels::product`] on the tape.
pub(crate) fn tracked<B: Kernels + Passes, C: CheckpointStrategy>(
    a: FloatTensor<Autodiff<B, C>>,
    b: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    #[derive(Debug)]
    struct Product;

    impl<B: Kernels + Passes> Backward<B, 2> for Product {
        type State = (FloatTensor<B>, FloatTensor<B>);

        fn backward(
            self,
            ops: Ops<Self::State, 2>,
            gradients: &mut Gradients,
            _: &mut Checkpointer,
        ) {
            let (a, b) = ops.state;
            binary::<B, _, _>(
                ops.parents,
                ops.node,
                gradients,
                |gradient| B::left_gradient(gradient, b),
                |gradient| B::right_gradient(gradient, a),
            );
        }
    }

    let guards = [a.node(), b.node()];
    let (a, b) = (a.into_primitive(), b.into_primitive());
    let product = B::product(a.clone(), b.clone());
    match Product.prepare::<C>(guards).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((a, b), product),
        OpsKind::UnTracked(prep) => prep.finish(product),
    }
}
