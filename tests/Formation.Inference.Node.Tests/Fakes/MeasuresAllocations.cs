namespace Formation.Inference.Node.Tests.Fakes;

/// <summary>Tests that measure what the process allocates run when no others do.</summary>
[CollectionDefinition(nameof(MeasuresAllocations), DisableParallelization = true)]
public sealed class MeasuresAllocations;
