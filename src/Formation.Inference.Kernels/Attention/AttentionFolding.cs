using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>Folds the chunks of a fold's queries, for one KV head, in the order in which a single task would.</summary>
internal readonly unsafe struct AttentionFolding(AttentionCall call, int fold, int kvHead) : IVectorKernel
{
    public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
    {
        var item = call.Schedule.Folds[fold];
        for (var query = 0; query < item.QueryCount; query++)
        {
            // The first chunk's record takes the total.
            var totals = call.Record(fold, kvHead, item.FirstChunk, query);
            for (var chunk = item.FirstChunk + 1; chunk < item.EndChunk; chunk++)
            {
                var record = call.Record(fold, kvHead, chunk, query);
                Softmax.Fold<TFloats>(ref Maximum(totals), ref Weight(totals), totals, Maximum(record), Weight(record), record, Size);
            }
            Softmax.Divide<TFloats>(totals, Weight(totals), Output(item, query), Size);
        }
    }

    public void RunScalar()
    {
        var item = call.Schedule.Folds[fold];
        for (var query = 0; query < item.QueryCount; query++)
        {
            var totals = call.Record(fold, kvHead, item.FirstChunk, query);
            for (var chunk = item.FirstChunk + 1; chunk < item.EndChunk; chunk++)
            {
                var record = call.Record(fold, kvHead, chunk, query);
                Softmax.Fold(ref Maximum(totals), ref Weight(totals), totals, Maximum(record), Weight(record), record, Size);
            }
            Softmax.Divide(totals, Weight(totals), Output(item, query), Size);
        }
    }

    private int Size => call.Layout.HeadSize;

    private ref float Maximum(float* record) => ref record[AttentionFold.MaximumIndex(call.Layout)];

    private ref float Weight(float* record) => ref record[AttentionFold.WeightIndex(call.Layout)];

    private float* Output(in AttentionFold item, int query) =>
        call.Output(call.Plan.Slices[item.Slice], kvHead, item.FirstQuery + query);
}
