using Formation.Inference.Cluster.Identity;
using Formation.Inference.Engine.Devices;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Node.Workers.Hosting;

/// <summary>What a worker works with, whatever its role. All of it belongs to its host.</summary>
/// <param name="Identity">Its key.</param>
/// <param name="Relays">Its ways through relays.</param>
/// <param name="Device">What computes.</param>
/// <param name="Status">Where it says how it is.</param>
/// <param name="Clock">The clock.</param>
/// <param name="Loggers">Makes the logs.</param>
sealed record WorkerContext(
    NodeIdentity Identity, WorkerRelays Relays, CpuDevice Device, StatusWriter Status, TimeProvider Clock, ILoggerFactory Loggers);
