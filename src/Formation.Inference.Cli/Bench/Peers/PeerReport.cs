namespace Formation.Inference.Cli.Bench.Peers;

/// <summary>The engine that ours is compared with.</summary>
/// <param name="Engine">Name and version, for instance <c>llama.cpp v0.5.0</c>.</param>
/// <param name="Package">The package that it comes in, with its version.</param>
/// <param name="Kernels">The variant of its library that runs on this processor.</param>
/// <param name="ResidentBytes">Resident memory of its process after the tests.</param>
sealed record PeerReport(string Engine, string Package, string Kernels, long ResidentBytes);
