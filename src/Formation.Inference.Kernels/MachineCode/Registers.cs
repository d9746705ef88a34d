namespace Formation.Inference.Kernels.MachineCode;

/// <summary>General registers of x86-64, by their number in an instruction.</summary>
/// <remarks>
/// By the System V calling convention a function gets its arguments in <see cref="Rdi"/>, <see cref="Rsi"/>, <see cref="Rdx"/>, <see
/// cref="Rcx"/>, <see cref="R8"/> and <see cref="R9"/>, and gives <see cref="Rbx"/>, <see cref="Rbp"/>, <see cref="Rsp"/> and
/// <see cref="R12"/> to <see cref="R15"/> back as they were. Vector and tile registers are the caller's loss.
/// </remarks>
internal enum Gpr : byte
{
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

/// <summary>512-bit vector registers.</summary>
internal enum Zmm : byte
{
    Zmm0,
    Zmm1,
    Zmm2,
    Zmm3,
    Zmm4,
    Zmm5,
    Zmm6,
    Zmm7,
    Zmm8,
    Zmm9,
    Zmm10,
    Zmm11,
    Zmm12,
    Zmm13,
    Zmm14,
    Zmm15,
    Zmm16,
    Zmm17,
    Zmm18,
    Zmm19,
    Zmm20,
    Zmm21,
    Zmm22,
    Zmm23,
    Zmm24,
    Zmm25,
    Zmm26,
    Zmm27,
    Zmm28,
    Zmm29,
    Zmm30,
    Zmm31,
}

/// <summary>Matrix tile registers of AMX: up to 16 rows of 64 bytes each.</summary>
internal enum Tmm : byte
{
    Tmm0,
    Tmm1,
    Tmm2,
    Tmm3,
    Tmm4,
    Tmm5,
    Tmm6,
    Tmm7,
}
