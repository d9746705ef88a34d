using System.Net;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Workers;
using Formation.Inference.Node.Relays;

namespace Formation.Inference.Node.Workers;

/// <summary>What a node's agent says to a worker's process, one line of JSON on its standard input each time that something changes.</summary>
/// <param name="Order">What the gateway wants of it.</param>
/// <param name="ModelPath">The model's file on this machine; its layers' part of it is there.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Address">The address to listen on, or an empty text where nobody can dial this machine.</param>
/// <param name="Port">The port, or 0 for any that is free.</param>
public sealed record WorkerCommand(WorkerOrder Order, string ModelPath, int Threads, string Address, int Port)
{
    /// <summary>The gateways that relay, and where they are reached from this machine.</summary>
    public IReadOnlyList<KnownGateway> Gateways { get; init; } = [];

    /// <summary>Somebody wants to reach the worker through a relay, and it is to call back; else null. All the rest is as it was.</summary>
    public RelayCall? Call { get; init; }

    /// <summary>Where to listen, or null.</summary>
    [JsonIgnore]
    public IPEndPoint? Endpoint => Address.Length > 0 ? new IPEndPoint(IPAddress.Parse(Address), Port) : null;
}

/// <summary>What a worker's process says, one line of JSON on its standard output each time that something changes.</summary>
/// <param name="Report">How it is; the agent fills in where it is reached.</param>
/// <param name="Port">The port that it listens on; 0 before it does, or where nobody can dial it.</param>
/// <param name="IsOpen">Whether it lets anybody in: over the port, and through relays.</param>
public sealed record WorkerUpdate(WorkerReport Report, int Port, bool IsOpen = false);

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(WorkerCommand))]
[JsonSerializable(typeof(WorkerUpdate))]
sealed partial class WorkerPipeJson : JsonSerializerContext;
