using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Node.Workers;

/// <summary>What a node's agent says to a worker's process, one line of JSON on its standard input each time that something changes.</summary>
/// <param name="Order">What the gateway wants of it.</param>
/// <param name="ModelPath">The model's file on this machine; its layers' part of it is there.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Address">The address to listen on.</param>
/// <param name="Port">The port, or 0 for any that is free.</param>
public sealed record WorkerCommand(WorkerOrder Order, string ModelPath, int Threads, string Address, int Port);

/// <summary>What a worker's process says, one line of JSON on its standard output each time that something changes.</summary>
/// <param name="Report">How it is; the agent fills in where it is reached.</param>
/// <param name="Port">The port that it listens on, or 0 before it does.</param>
public sealed record WorkerUpdate(WorkerReport Report, int Port);

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(WorkerCommand))]
[JsonSerializable(typeof(WorkerUpdate))]
sealed partial class WorkerPipeJson : JsonSerializerContext;
