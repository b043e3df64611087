//! What the examples share.

use burn::tensor::Device;

/// The graphics card.
#[cfg(feature = "gpu")]
pub fn gpu() -> Result<Device, crate::Failure> {
    Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice))
}

/// Why there is none.
#[cfg(not(feature = "gpu"))]
pub fn gpu() -> Result<Device, crate::Failure> {
    Err("built without a GPU; add `--features gpu`".into())
}

/// The setting of the allocator that the command `nae` has, which says why.
#[allow(unsafe_code, reason = "the allocator's options are a C function")]
pub fn keep_pages() {
    // SAFETY: sets a number; called before any other thread exists.
    unsafe { libmimalloc_sys::mi_option_set(15, -1) };
}
