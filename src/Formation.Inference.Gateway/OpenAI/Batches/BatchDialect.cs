using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway.OpenAI.Batches;

/// <summary>OpenAI's batches.</summary>
internal sealed class BatchDialect : IBatchDialect
{
    internal const string Name = "openai";

    string IBatchDialect.Name => Name;

    public BatchRun Take(BatchWork work, KeptBatch batch) => new FileBatchRun(work, batch);
}
