//! The values of a Flex tensor as slices.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;

/// The CPU backend's tensor.
pub(crate) type FlexTensor = FloatTensor<Flex>;

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

/// Values of a contiguous tensor, to be changed: in place if nobody else holds them, in a copy
/// otherwise.
pub(crate) fn values_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    let range = range(tensor);
    &mut tensor.storage_mut()[range]
}
