using System.Net;
using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cli.Hosting;

/// <summary>What a control plane works with.</summary>
sealed record ControlPlaneOptions
{
    /// <summary>Where nodes dial in; port 0 takes a free one.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>The gateway's key lies there.</summary>
    public required string DataFolder { get; init; }

    /// <summary>What was decided is there. Belongs to the caller.</summary>
    public required Database Database { get; init; }

    /// <summary>Whether other gateways share the database.</summary>
    public bool IsShared => Database is PostgresDatabase;

    /// <summary>Where nodes reach this gateway, best first; none for the addresses of this machine.</summary>
    public IReadOnlyList<string> Urls { get; init; } = [];

    /// <summary>Times.</summary>
    public NodeRegistryOptions Registry { get; init; } = new();

    /// <summary>Finds the models that can be deployed.</summary>
    public required ReadModel ReadModel { get; init; }

    /// <summary>The model of a digest whose weights nodes may fetch, or null where there is none.</summary>
    public Func<string, IServedModel?> FindModel { get; init; } = _ => null;

    /// <summary>When demand and speed move deployments.</summary>
    public AdaptOptions Adapt { get; init; } = new();

    /// <summary>The clock of leases, tokens and certificates.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Where the listener logs.</summary>
    public required Action<ILoggingBuilder> ConfigureLogging { get; init; }
}
