using System.Text.Json.Serialization;
using Formation.Inference.Cli.Bench.Http;
using Formation.Inference.Cli.Bench.Peers;

namespace Formation.Inference.Cli.Bench;

/// <summary>What <c>form bench</c> found about one model.</summary>
/// <param name="Model">The model's name, or its file's.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Threads">Threads that computed, of each engine.</param>
/// <param name="Kernels">The kernels that computed, for instance <c>avx512</c>.</param>
/// <param name="Machine">Where.</param>
/// <param name="Weights">What a step of decoding reads.</param>
/// <param name="Memory">What the engine holds in memory.</param>
/// <param name="Peer">The engine compared with, or null.</param>
/// <param name="Results">One row a test.</param>
/// <param name="FirstTokens">Times to the first token over HTTP, or null where HTTP was not measured.</param>
sealed record BenchReport(
    string Model,
    long Parameters,
    int Threads,
    string Kernels,
    BenchMachine Machine,
    WeightTraffic Weights,
    BenchMemory Memory,
    PeerReport? Peer,
    IReadOnlyList<BenchResult> Results,
    IReadOnlyList<FirstTokenResult>? FirstTokens);

/// <summary>The machine of a run.</summary>
sealed record BenchMachine(string Processor, int Cores, long MemoryBytes, string OperatingSystem);

/// <summary>Memory of this process after the tests.</summary>
/// <param name="FileBytes">Size of the model's file.</param>
/// <param name="ResidentBytes">Resident memory, all that follows and the run-time included.</param>
/// <param name="KvBytes">Keys and values.</param>
sealed record BenchMemory(long FileBytes, long ResidentBytes, long KvBytes);

/// <summary>The speed of one test over its repetitions.</summary>
/// <param name="Test"><c>pp512</c>: a prompt of 512 tokens; <c>tg64</c>: 64 tokens generated; <c>tg64x8</c>: by 8 sequences together.</param>
/// <param name="TokensPerSecond">All sequences together.</param>
/// <param name="Bandwidth">For generation, what memory allowed, or null where that could not be measured.</param>
/// <param name="Peer">The peer's speed, or null.</param>
/// <param name="Http">The speed over HTTP, or null.</param>
sealed record BenchResult(string Test, Spread TokensPerSecond, BandwidthUse? Bandwidth, ComparedSpeed? Peer, ComparedSpeed? Http);

/// <summary>How much of the machine's read bandwidth a test used.</summary>
/// <param name="ReadBytesPerSecond">Memory read by all threads together, measured in turns with the test.</param>
/// <param name="Share">At which the engine read the weights, of the medians.</param>
sealed record BandwidthUse(Spread ReadBytesPerSecond, double Share);

/// <summary>A speed beside the engine's.</summary>
/// <param name="Ratio">Of the medians: for a peer the engine's over the peer's, over HTTP the speed over HTTP over the engine's in process.</param>
sealed record ComparedSpeed(Spread TokensPerSecond, double Ratio);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BenchReport))]
[JsonSerializable(typeof(IReadOnlyList<BenchReport>))]
[JsonSerializable(typeof(HttpReport))]
sealed partial class BenchJson : JsonSerializerContext;
