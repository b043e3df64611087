//! Burn's CPU backend: which tensors it holds, and their values as slices.

use burn::backend::tensor::FloatTensor;
use burn::backend::{DispatchDevice, Flex};
use burn::tensor::{DType, Device, Tensor};

/// The CPU backend's tensor.
pub(crate) type FlexTensor = FloatTensor<Flex>;

/// Whether a device is the CPU, with or without automatic differentiation.
pub(crate) fn is_flex(device: &DispatchDevice) -> bool {
    matches!(device, DispatchDevice::Flex(_))
        || matches!(device, DispatchDevice::Autodiff(device) if is_flex(&device.clone().inner()))
}

/// Whether the kernels of this crate work on `device`: the CPU, with or without automatic
/// differentiation. Threads are worth having there, while a GPU is filled by one.
pub fn has_threads(device: &Device) -> bool {
    is_flex(device.as_dispatch())
}

/// Whether the kernels can work on `x`: single precision on burn-flex.
pub(crate) fn has_kernels<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && is_flex(x.device().as_dispatch())
}

/// The same for operations without a gradient of their own: where gradients are recorded they must
/// be composed of operations that have one.
pub(crate) fn has_kernels_without_gradient<const D: usize>(x: &Tensor<D>) -> bool {
    has_kernels(x) && !x.device().is_autodiff()
}

/// The same values in row-major order; the very same tensor when they are already.
pub(crate) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// Where a contiguous tensor's values lie in its storage.
fn range(tensor: &FlexTensor) -> std::ops::Range<usize> {
    let start = tensor.layout().start_offset();
    start..start + tensor.layout().num_elements()
}

/// Values of a contiguous tensor.
pub(crate) fn values(tensor: &FlexTensor) -> &[f32] {
    &tensor.storage()[range(tensor)]
}

/// Values of a contiguous tensor, to be changed: in place if there is no other reference to them,
/// in a copy otherwise.
pub(crate) fn values_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    let range = range(tensor);
    &mut tensor.storage_mut()[range]
}
