//! The one place that names backends.

use std::fmt;

use anyhow::{Result, bail};
use burn::tensor::Device;
use clap::ValueEnum;
use nae_files::count;

/// What `--device` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// A GPU if this build supports one and the machine has one, otherwise the CPU
    Auto,
    /// The CPU (burn-flex)
    Cpu,
    /// A GPU through wgpu (feature `gpu`)
    Gpu,
    /// The CPU through burn-ndarray (feature `ndarray`)
    Ndarray,
}

/// A device and what to call it.
#[derive(Clone, Debug)]
pub struct NamedDevice {
    /// The device of all tensors.
    pub device: Device,
    /// For messages.
    pub name: String,
    /// Whether work shares the machine's cores, so that several small jobs fit side by side.
    pub is_cpu: bool,
}

impl fmt::Display for NamedDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl DeviceChoice {
    /// The device this stands for.
    pub fn open(self) -> Result<NamedDevice> {
        match self {
            Self::Auto => Ok(gpu::hardware().into_iter().next().unwrap_or_else(cpu)),
            Self::Cpu => Ok(cpu()),
            Self::Gpu => gpu::open(),
            Self::Ndarray => ndarray(),
        }
    }
}

/// All choices, each with the name of its device or why it is not available.
pub fn list() -> Vec<(&'static str, String)> {
    let mut list = vec![("cpu", cpu().name)];
    match gpu::open() {
        Ok(device) => list.push(("gpu", device.name)),
        Err(error) => list.push(("gpu", format!("not available: {error}"))),
    }
    match ndarray() {
        Ok(device) => list.push(("ndarray", device.name)),
        Err(error) => list.push(("ndarray", format!("not available: {error}"))),
    }
    list
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn cpu() -> NamedDevice {
    NamedDevice {
        device: Device::flex(),
        name: format!(
            "cpu (burn-flex, {})",
            count(rayon::current_num_threads(), "thread")
        ),
        is_cpu: true,
    }
}

#[cfg(feature = "ndarray")]
fn ndarray() -> Result<NamedDevice> {
    // burn-ndarray has no release after 0.22; kept for comparisons only
    #[allow(deprecated)]
    let device = Device::ndarray();
    Ok(NamedDevice {
        device,
        name: "cpu (burn-ndarray)".into(),
        is_cpu: true,
    })
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> Result<NamedDevice> {
    bail!(
        "this nae was built without burn-ndarray; build it with `--features ndarray`, or use --device cpu"
    )
}

#[cfg(not(feature = "gpu"))]
mod gpu {
    use super::*;

    pub fn hardware() -> Option<NamedDevice> {
        None
    }

    pub fn open() -> Result<NamedDevice> {
        bail!(
            "this nae was built without GPU support; build it with `--features gpu`, or use --device cpu"
        )
    }
}

#[cfg(feature = "gpu")]
mod gpu {
    use super::*;
    use burn::tensor::{DeviceKind, DeviceType};

    /// The first GPU that is real hardware.
    pub fn hardware() -> Option<NamedDevice> {
        let gpus = Device::enumerate_physical().into_iter();
        gpus.flat_map(|gpu| gpu.devices.into_vec())
            .next()
            .map(named)
    }

    /// Real hardware if there is any, else a software device if wgpu finds one.
    pub fn open() -> Result<NamedDevice> {
        if let Some(device) = hardware() {
            return Ok(device);
        }
        if Device::enumerate(DeviceType::Wgpu).into_vec().is_empty() {
            bail!(
                "no GPU found on this machine (no Vulkan, Metal or DirectX 12 driver); install a driver, or use --device cpu"
            );
        }
        Ok(named(Device::wgpu(DeviceKind::DefaultDevice)))
    }

    fn named(device: Device) -> NamedDevice {
        let name = device
            .identity()
            .map_or_else(|| "unnamed".to_owned(), |identity| identity.name);
        NamedDevice {
            name: format!("gpu (wgpu, {name})"),
            is_cpu: false,
            device,
        }
    }
}
