using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>One part of a step's attention for one KV head, with the products that fit the format of the cache.</summary>
internal readonly unsafe struct AttentionTask(AttentionCall call, int part, int kvHead, float* memory) : IVectorKernel
{
    // Up to so many row groups convert keys and values in registers, each anew: cheaper than writing them to memory once and reading
    // them again.
    private const int MostGroupsThatConvert = 2;

    public void Run<TFloats>() where TFloats : struct, IFloats<TFloats>
    {
        var converts = call.Schedule.Parts[part].QueryCount <= MostGroupsThatConvert * RowGroups.Most<TFloats>();
        switch (call.Layout.Format)
        {
            case KvFormat.F16 when converts:
                Run<TFloats, FloatKeys<TFloats, Halves>, FloatValues<TFloats, Halves>>();
                break;
            case KvFormat.F16:
                Run<TFloats, UnpackedKeys<TFloats>, UnpackedValues<TFloats>>();
                break;
            case KvFormat.Q8_0:
                RunIntegers<TFloats>();
                break;
            default:
                Run<TFloats, FloatKeys<TFloats, Singles>, FloatValues<TFloats, Singles>>();
                break;
        }
    }

    public void RunScalar() => ScalarAttention.Run(call, call.Schedule.Parts[part], kvHead, new AttentionScratch(memory));

    private void RunIntegers<TFloats>() where TFloats : struct, IFloats<TFloats>
    {
        if (typeof(TFloats) == typeof(Floats512))
            Run<TFloats, IntegerKeys<Floats512, Pairs512>, IntegerValues<Floats512, Pairs512>>();
        else if (typeof(TFloats) == typeof(Floats256))
            Run<TFloats, IntegerKeys<Floats256, Pairs256>, IntegerValues<Floats256, Pairs256>>();
        else
            Run<TFloats, IntegerKeys<Floats128, Pairs128>, IntegerValues<Floats128, Pairs128>>();
    }

    private void Run<TFloats, TKeys, TValues>()
        where TFloats : struct, IFloats<TFloats>
        where TKeys : struct, IKeyProducts
        where TValues : struct, IValueProducts =>
        new TiledAttention<TFloats, TKeys, TValues>(call, call.Schedule.Parts[part], kvHead, new AttentionScratch(memory)).Run();
}
