namespace Formation.Inference.Engine.Tests;

/// <summary>Tests that look at the memory of the whole process: none of the others runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
