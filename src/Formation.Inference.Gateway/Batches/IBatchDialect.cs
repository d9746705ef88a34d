using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway.Batches;

/// <summary>An API that has batches.</summary>
internal interface IBatchDialect
{
    /// <summary>What the table of batches calls it; never changes.</summary>
    string Name { get; }

    /// <summary>Goes on with one of its batches.</summary>
    BatchRun Take(BatchWork work, KeptBatch batch);
}
