namespace Formation.Inference.Kernels.Vectors;

/// <summary>
/// A register of 32-bit lanes for integer kernels: a lane holds four bytes (a quad), two 16-bit numbers (a pair) or an int32 of one output.
/// </summary>
/// <remarks>All operations are exact, so every width gives the same numbers. Sums of 16 bits wrap: callers keep within their range.</remarks>
internal unsafe interface IQuads<TSelf> : IQuadBits<TSelf>
    where TSelf : struct, IQuads<TSelf>
{
    /// <summary>Lanes; divides 16.</summary>
    static abstract int Count { get; }

    /// <summary>Whether <see cref="AddProducts"/> adds int32, which no number of products exceeds.</summary>
    static abstract bool HasWideParts { get; }

    void Store(void* destination);

    /// <summary>Reads a byte for every lane.</summary>
    static abstract TSelf WidenBytes(byte* source);

    /// <summary>Reads a byte for every lane, as both numbers of a pair. Sixteen bytes have to be readable.</summary>
    static abstract TSelf PairBytes(byte* source);

    /// <summary>Reads a signed byte for every lane, as both numbers of a pair. Sixteen bytes have to be readable.</summary>
    static abstract TSelf PairSBytes(sbyte* source);

    /// <summary>Reads a signed byte for every lane.</summary>
    static abstract TSelf WidenSBytes(sbyte* source);

    /// <summary>Sums of int32.</summary>
    static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>
    /// part + levels · x, unsigned times signed bytes. Where parts are wide, an int32 of a lane takes all four products. Otherwise its two
    /// 16-bit numbers take two products each, which have to fit: levels up to 127 with x from -127, and only so many of them.
    /// </summary>
    static abstract TSelf AddProducts(TSelf part, TSelf levels, TSelf x);

    /// <summary>sum + part · factor, all int32; where parts are not wide, both halves of the part by the two equal halves of the factor.</summary>
    static abstract TSelf AddScaled(TSelf sum, TSelf part, TSelf factor);

    /// <summary>int32 = left[0] · right[0] + left[1] · right[1] of 16-bit numbers.</summary>
    static abstract TSelf MultiplyPairs(TSelf left, TSelf right);

    /// <summary>sums[i] = float(value[i]) · (scales[i] · scale) + sums[i], the last product and sum rounded once.</summary>
    static abstract void AddScaledFloats(TSelf value, float* scales, float scale, float* sums);

    /// <summary>sums[i] = offsets[i] · factor + sums[i], rounded once.</summary>
    static abstract void AddProduct(float* offsets, float factor, float* sums);

    /// <summary>The larger int32 of every lane.</summary>
    static abstract TSelf Max(TSelf left, TSelf right);

    /// <summary>x[i] · factor rounded to the nearest integer, ties to even; the product has to lie between -2^22 and 2^22.</summary>
    static abstract TSelf Round(float* x, float factor);

    /// <summary>Stores the lowest byte of every lane.</summary>
    void StoreBytes(sbyte* destination);

    /// <summary>The sum of all int32.</summary>
    int Sum();

    /// <summary>The largest int32.</summary>
    int Largest();
}
