using System.Globalization;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments;

/// <summary>Decisions in words, for the event log.</summary>
internal static class Words
{
    public static string Of(ReplicaAssignment replica) => string.Join(", ", replica.Workers.Select(WithNode));

    public static string NodesOf(ReplicaAssignment replica) => string.Join(", ", replica.Workers.Select(worker => worker.Node));

    public static string WithNode(WorkerAssignment worker) => $"{Of(worker)} on {worker.Node}";

    public static string Of(WorkerAssignment worker) => worker.Role switch
    {
        WorkerRole.Head => $"the head with {worker.Layers}",
        WorkerRole.Member => $"member {worker.Rank} of {worker.Members} with {worker.Layers}",
        WorkerRole.Stage => worker.Layers.ToString(),
        _ => "the standby",
    };

    public static string Rate(double value) => value.ToString(value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    public static string Time(TimeSpan time) => time < TimeSpan.FromMinutes(2)
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0.#} min");

    public static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0} MiB");
}
