using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Kernels.Attention;

namespace Formation.Inference.Cli.Hosting;

/// <summary>What <c>form inference serve</c> was asked for.</summary>
public sealed record ServeSettings
{
    /// <summary>Values of <c>--model</c>, each <c>ID=PATH</c>.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Folder whose GGUF files are served, or null.</summary>
    public string? ModelsFolder { get; init; }

    /// <summary>The model of requests that name none, or null for the first one.</summary>
    public string? DefaultModel { get; init; }

    /// <summary>Addresses to listen on.</summary>
    public required ListenAddresses Addresses { get; init; }

    /// <summary>Where to listen for nodes, or null not to.</summary>
    public ClusterListen? ClusterListen { get; init; }

    /// <summary>Where nodes reach the gateway, best first; none for the addresses of this machine.</summary>
    public IReadOnlyList<string> ClusterUrls { get; init; } = [];

    /// <summary>Whether this machine is a node of the network itself, as soon as there is another one.</summary>
    public bool IsNode { get; init; } = true;

    /// <summary>Folder of accounts, keys and registered models.</summary>
    public required string DataFolder { get; init; }

    /// <summary>How the PostgreSQL of several gateways is reached, or null for files in <see cref="DataFolder"/>.</summary>
    public SensitiveText? Database { get; init; }

    /// <summary>Threads that compute.</summary>
    public required int Threads { get; init; }

    /// <summary>Bytes that all loaded models may take together.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Longest context in tokens, or null for the models' own.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Sequences that run at once in a model, or null for the engine's default.</summary>
    public int? ParallelSequences { get; init; }

    /// <summary>How keys and values are stored.</summary>
    public KvFormat KvFormat { get; init; } = KvFormat.F16;

    /// <summary>Values of <c>--draft-model</c>, each <c>PATH</c> or <c>ID=PATH</c>.</summary>
    public IReadOnlyList<string> DraftModels { get; init; } = [];

    /// <summary>Whose guesses of the next tokens are verified.</summary>
    public SpeculationMode Speculation { get; init; } = SpeculationMode.Auto;

    /// <summary>A key that is an administrator's too, or null.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Whether callers are served without a key.</summary>
    public bool WithoutAuthentication { get; init; }

    /// <summary>Whether responses are kept for those who ask for it.</summary>
    public bool KeepsContents { get; init; } = true;

    /// <summary>Where traces go, or null for none.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>When demand and speed move deployments.</summary>
    public AdaptOptions Adapt { get; init; } = new();

    /// <summary>How long a stop waits for running requests.</summary>
    public TimeSpan ShutdownLimit { get; init; } = TimeSpan.FromSeconds(30);
}
