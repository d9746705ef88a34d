using Formation.Inference.Gateway.Batches;
using Formation.Inference.Gateway.Contents;

namespace Formation.Inference.Gateway.Anthropic.Batches;

/// <summary>Anthropic's batches.</summary>
internal sealed class MessageBatchDialect : IBatchDialect
{
    internal const string Name = "anthropic";

    string IBatchDialect.Name => Name;

    public BatchRun Take(BatchWork work, KeptBatch batch) => new MessageBatchRun(work, batch);
}
